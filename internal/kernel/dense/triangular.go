package dense

import (
	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

// A Triangular is one triangle of a square matrix, its diagonal included, or the
// transpose of that. The other triangle is not read.
type Triangular struct {
	Matrix     kernel.Matrix[float64]
	Upper      bool // the triangle right of the diagonal, else the one left of it
	Transposed bool // stands for the transpose of the triangle
}

// SolveLeft solves T·X = B for a triangular T of n × n and B of n × q numbers, which
// X overwrites.
//
// The error is [ErrSingular] where T has a zero on its diagonal; B is as it was
// then. NaN and ±Inf go where the arithmetic takes them. Sizes that do not fit
// are a panic, and B must not overlap T.
//
// The results have the same bits for any number of workers and on any CPU path.
// Cost: n²·q operations; 16·n numbers of scratch memory for each of up to 256
// columns and worker. Workers share columns of B, so a few columns use few
// workers. The method is substitution, by halves: backward stable.
func SolveLeft(workers int, t Triangular, b kernel.Matrix[float64]) error {
	return t.solve(workers, b, false)
}

// SolveRight solves X·T = B for a triangular T of n × n and B of q × n numbers,
// which X overwrites. Everything else is as [SolveLeft] has it, with rows of B for
// columns.
func SolveRight(workers int, t Triangular, b kernel.Matrix[float64]) error {
	t.Transposed = !t.Transposed
	return t.solve(workers, b, true)
}

const (
	// slabColumns is how many right-hand sides a worker solves at a time.
	slabColumns = 128
	// substitutionRows is the size up to which a triangle is not halved.
	substitutionRows = 32
)

// solve solves T·X = B, or T·Xᵀ = Bᵀ where B lies across.
func (t Triangular) solve(workers int, b kernel.Matrix[float64], across bool) error {
	n, columns := b.Rows, b.Cols
	if across {
		n, columns = columns, n
	}
	if t.Matrix.Rows != n || t.Matrix.Cols != n {
		panic("dense: a triangle and right-hand sides that do not fit")
	}
	for i := range n {
		if t.Matrix.At(i, i) == 0 {
			return ErrSingular
		}
	}
	slabs := (columns + slabColumns - 1) / slabColumns
	if n == 0 {
		return nil
	}
	each(parallel.Workers(workers), slabs, func(s int) {
		lo := s * slabColumns
		count := min(slabColumns, columns-lo)
		width := roundUp(count, 8)
		buffer := kernel.NewMatrix[float64](2*n, width)
		x, negative := buffer.Block(0, 0, n, width), buffer.Block(n, 0, n, width)
		if across {
			rows := b.Block(lo, 0, count, n)
			transpose(x, rows)
			t.substitute(x, negative)
			transpose(rows, x.Block(0, 0, n, count))
			return
		}
		part := b.Block(0, lo, n, count)
		for i := range n {
			copy(x.Row(i), part.Row(i))
		}
		t.substitute(x, negative)
		for i := range n {
			copy(part.Row(i), x.Row(i))
		}
	})
	return nil
}

// substitute solves for x in place; its rows are a multiple of 8 long. negative
// has the same shape and is scratch memory.
func (t Triangular) substitute(x, negative kernel.Matrix[float64]) {
	n := x.Rows
	if n <= substitutionRows {
		t.substituteRows(x)
		return
	}
	half := roundUp(n/2, substitutionRows)
	rows := [2]kernel.Matrix[float64]{x.Block(0, 0, half, x.Cols), x.Block(half, 0, n-half, x.Cols)}
	scratch := [2]kernel.Matrix[float64]{negative.Block(0, 0, half, x.Cols), negative.Block(half, 0, n-half, x.Cols)}
	corner := t.Matrix.Block(half, 0, n-half, half)
	if t.Upper {
		corner = t.Matrix.Block(0, half, half, n-half)
	}
	first, second := 0, 1
	if !t.forward() {
		first, second = 1, 0
	}
	t.half(first, half).substitute(rows[first], scratch[first])
	for i := range rows[first].Rows {
		negate(scratch[first].Row(i), rows[first].Row(i))
	}
	if t.Transposed {
		kernel.GemmTN(1, corner, scratch[first], rows[second])
	} else {
		kernel.GemmNN(1, corner, scratch[first], rows[second])
	}
	t.half(second, half).substitute(rows[second], scratch[second])
}

// forward reports whether the first row is solved first.
func (t Triangular) forward() bool { return t.Upper == t.Transposed }

// half returns the triangle of the rows before (0) or from (1) the given one on.
func (t Triangular) half(which, row int) Triangular {
	n := t.Matrix.Rows
	if which == 0 {
		t.Matrix = t.Matrix.Block(0, 0, row, row)
	} else {
		t.Matrix = t.Matrix.Block(row, row, n-row, n-row)
	}
	return t
}

// substituteRows solves for one row after the other.
func (t Triangular) substituteRows(x kernel.Matrix[float64]) {
	n := x.Rows
	var factors [substitutionRows]float64
	for step := range n {
		i, known, count := step, 0, step // the rows known … known+count−1 are solved
		if !t.forward() {
			i = n - 1 - step
			known = i + 1
		}
		for k := range count {
			if t.Transposed {
				factors[k] = -t.Matrix.At(known+k, i)
			} else {
				factors[k] = -t.Matrix.At(i, known+k)
			}
		}
		row, pivot := x.Row(i), t.Matrix.At(i, i)
		if count > 0 {
			kernel.AddRowMultiples(x.Data[known*x.Stride:], x.Stride, factors[:count], row)
		}
		for j := range row {
			row[j] /= pivot
		}
	}
}

// transpose writes the transpose of a to b, in squares that fit the cache.
func transpose(b, a kernel.Matrix[float64]) {
	const side = 8
	for i0 := 0; i0 < a.Rows; i0 += side {
		for j0 := 0; j0 < a.Cols; j0 += side {
			for j := j0; j < min(a.Cols, j0+side); j++ {
				to := b.Row(j)
				for i := i0; i < min(a.Rows, i0+side); i++ {
					to[i] = a.Data[i*a.Stride+j]
				}
			}
		}
	}
}
