package influence

import (
	"context"
	"fmt"
	"math"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

// queryBlock is the number of query positions that a sum over queries adds in
// order; above that it is a tree.
const queryBlock = 32

// A panel is the query side of a factor, ready to meet train rows.
type panel[F kernel.Float] struct {
	rows     *kernel.QueryRows[F]
	int8     *kernel.Int8QueryRows // for train rows of int8 in float32, instead
	plus     []F                   // added to the inner products of each query; nil for nothing
	unformed outerQueries[F]       // for rows of train gradients that are not formed, instead
}

// readQueries returns the vectors of the query entries of a slab in float64: those
// of the job's queries, or their sums over pools. pluses holds what a bias adds to
// the inner products of each. With unit, vectors are divided by their norms first,
// the 1 of a bias included; a vector of norm zero stays zero.
func readQueries(ctx context.Context, j Job, f factor, unit bool, slab Range) (m kernel.Matrix[float64], pluses []float64, err error) {
	if j.Pools == nil {
		m = kernel.NewMatrix[float64](int(slab.Len()), f.query.Cols())
		pluses = make([]float64, m.Rows)
		err = eachQuery(ctx, j, f, unit, slab, func(at int64, x []float64, plus float64) {
			copy(m.Row(int(at-slab.Lo)), x)
			pluses[at-slab.Lo] = plus
		})
		return m, pluses, err
	}
	return readPools(ctx, j, f, unit, slab)
}

// readPools returns the sums over the pools of a slab: the vectors of 32 positions
// of the job in order, then neighbouring blocks pairwise, level by level.
func readPools(ctx context.Context, j Job, f factor, unit bool, slab Range) (kernel.Matrix[float64], []float64, error) {
	width := f.query.Cols() + 1 // the plus is a last number
	type sums [][]float64       // nil for pools without a member so far
	n := j.Query.Len()
	tree := parallel.NewTree(int((n+queryBlock-1)/queryBlock), func(a, b sums) sums {
		for p, x := range b {
			if a[p] == nil {
				a[p] = x
				continue
			}
			for i := range x {
				a[p][i] += x[i]
			}
		}
		return a
	})
	block := make(sums, slab.Len())
	var treeErr error
	err := eachQuery(ctx, j, f, unit, Range{0, n}, func(at int64, x []float64, plus float64) {
		if pool := int64(j.Pools.Of[at]); pool >= slab.Lo && pool < slab.Hi {
			sum := &block[pool-slab.Lo]
			if *sum == nil {
				*sum = make([]float64, width)
			}
			for i, v := range x {
				(*sum)[i] += v
			}
			(*sum)[width-1] += plus
		}
		if at%queryBlock == queryBlock-1 || at == n-1 {
			if err := tree.Add(int(at/queryBlock), block); err != nil && treeErr == nil {
				treeErr = err
			}
			block = make(sums, slab.Len())
		}
	})
	m, pluses := kernel.NewMatrix[float64](int(slab.Len()), width-1), make([]float64, slab.Len())
	if err != nil || treeErr != nil || n == 0 {
		return m, pluses, firstError(err, treeErr)
	}
	root, err := tree.Root()
	for p, x := range root {
		if x != nil {
			copy(m.Row(p), x)
			pluses[p] = x[width-1]
		}
	}
	return m, pluses, err
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// eachQuery calls use for the query vectors at the positions of area, in order. A
// vector that is not finite is a NonFiniteError.
func eachQuery(ctx context.Context, j Job, f factor, unit bool, area Range, use func(at int64, x []float64, plus float64)) error {
	var buffer, unitRow []float64
	bad := false
	err := eachPiece(ctx, f.query, j.Query, area, func(first int64, b dataset.Block) error {
		m := matrixOf(1, b, f.query.Dtype(), &buffer)
		for i := range m.Rows {
			x, plus := m.Row(i), f.plus()
			bad = bad || finite(x) >= 0
			if unit {
				scale := inverseNorm(squaredNorm(x) + plus)
				unitRow = append(unitRow[:0], x...)
				for c := range unitRow {
					unitRow[c] *= scale
				}
				x, plus = unitRow, plus*scale
			}
			use(first+int64(i), x, plus)
		}
		return nil
	})
	if err == nil && bad {
		return checkFinite(ctx, f.query, "query", j.Query)
	}
	return err
}

// inverseNorm returns 1/√s, and 0 for 0.
func inverseNorm(s float64) float64 {
	if s == 0 {
		return 0
	}
	return 1 / math.Sqrt(s)
}

// newPanel packs query vectors, each number times weight, in F, to meet train rows of
// a dtype.
func newPanel[F kernel.Float](workers int, m kernel.Matrix[float64], pluses []float64, weight float64, d dataset.Dtype) (*panel[F], error) {
	p := &panel[F]{}
	rows := inType[F](workers, m, weight)
	if i := finite(rows.Data); i >= 0 {
		return nil, beyondFloat32(i / m.Cols)
	}
	for q, plus := range pluses {
		if plus == 0 {
			continue
		}
		if p.plus == nil {
			p.plus = make([]F, m.Rows)
		}
		p.plus[q] = F(plus * weight)
	}
	if single, ok := any(rows).(kernel.Matrix[float32]); ok && d == dataset.Int8 {
		p.int8 = kernel.NewInt8QueryRows(kernel.Quantize(workers, single))
	} else {
		p.rows = kernel.NewQueryRows(workers, rows)
	}
	return p, nil
}

func beyondFloat32(entry int) error {
	return fmt.Errorf("the vector of query entry %d is beyond float32; use float64", entry)
}

// eachBlock is [kernel.QueryRows.EachBlock] over a block of train rows as it lies
// in the file, in F where that is needed.
func (p *panel[F]) eachBlock(workers int, b dataset.Block, d dataset.Dtype, buffer *[]F, use func(worker, row int, scores kernel.Matrix[F])) {
	if p.int8 != nil {
		each := any(use).(func(int, int, kernel.Matrix[float32]))
		p.int8.EachBlock(workers, int8Matrix(b), func(worker, row int, scores kernel.Matrix[float32]) {
			each(worker, row, closeUp(scores))
		})
		return
	}
	if own, ok := any(p.rows).(*kernel.QueryRows[float32]); ok && b.Half != nil {
		each := any(use).(func(int, int, kernel.Matrix[float32]))
		if d == dataset.Float16 {
			kernel.EachHalfBlock(own, workers, halfMatrix[kernel.Float16](b), each)
		} else {
			kernel.EachHalfBlock(own, workers, halfMatrix[kernel.BFloat16](b), each)
		}
		return
	}
	p.rows.EachBlock(workers, matrixOf(workers, b, d, buffer), use)
}

func halfMatrix[H kernel.Half](b dataset.Block) kernel.HalfMatrix[H] {
	return kernel.HalfMatrix[H]{Data: halves[H](b.Half), Scale: b.Scale, Rows: b.Rows, Cols: b.Cols, Stride: b.Cols}
}
