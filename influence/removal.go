package influence

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/kernel"
)

// aboutSets makes the scorer's description one of sets of train rows.
func (s *productScorer) aboutSets(newton bool) {
	d := &s.describe
	d.PositiveMeans = "the set of train rows helps the query: removing it would raise the query's loss"
	d.NegativeMeans = "the set of train rows harms the query: removing it would lower the query's loss"
	if newton {
		d.Approximate = append(d.Approximate, "leaving a set out is one Newton step, with the curvature of the rows that stay")
	} else {
		d.Approximate = append(d.Approximate, "leaving a set out is the sum of leaving out each of its rows, to first order")
	}
	s.noSelf = "a set of rows has no loss of its own"
}

// checkSets lists what is wrong with the sets of train rows.
func checkSets(c Checkpoint, o CurvatureOptions) error {
	if o.Remove == nil {
		return nil
	}
	var errs []error
	if c.Scored != nil {
		errs = append(errs, errors.New("sets of rows and parts of rows cannot both be scored"))
	}
	if o.Normalize != AsTheyAre {
		errs = append(errs, &UnsupportedError{What: "a norm of a set of rows", Reason: "it is that of a single row", Instead: "leave the normalisation out"})
	}
	for i, s := range o.Remove {
		errs = append(errs, s.Validate("train", c.Train[0].Rows()))
		if s.Len() == 0 {
			errs = append(errs, fmt.Errorf("set %d has no rows", i))
		}
	}
	return errors.Join(errs...)
}

// removedSets are what stands for the gradient of a set U of train rows. Without a
// Newton step it is the sum s of its gradients. With one it is the v whose product with
// H⁻¹ is the step of the parameters, by n, to the minimum without the set:
//
//	H⁻¹·v = (H − H_U/n)⁻¹·s     H_U = Σ_U r·rᵀ
//
// where r are the rows that the set has in the curvature, and the damping stays as it is.
// A set with no more of them than numbers has, by the formula of Woodbury with these rows
// as those of R,
//
//	v = s + Rᵀ·(I − R·H⁻¹·Rᵀ/n)⁻¹·R·H⁻¹·s/n
//
// and a larger one v = s + H_U/n·(H − H_U/n)⁻¹·s. They are Vectors of one row for each
// set, in float64, which are made when they are first read and then kept.
type removedSets struct {
	*fisher
	gradients Vectors
	sets      []Rows
	newton    *denseInverse // nil for sums

	mu    sync.Mutex
	known Vectors // nil until it is made
}

func (r *removedSets) Rows() int64          { return int64(len(r.sets)) }
func (r *removedSets) Cols() int            { return r.train.Cols() }
func (r *removedSets) Dtype() dataset.Dtype { return dataset.Float64 }

func (r *removedSets) Blocks(ctx context.Context, lo, hi int64) iter.Seq2[dataset.Block, error] {
	v, err := r.vectors(ctx)
	if err != nil {
		return func(yield func(dataset.Block, error) bool) { yield(dataset.Block{}, err) }
	}
	return v.Blocks(ctx, lo, hi)
}

func (r *removedSets) vectors(ctx context.Context) (Vectors, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known != nil {
		return r.known, nil
	}
	d := r.Cols()
	all := make([]float64, 0, len(r.sets)*d)
	for i, rows := range r.sets {
		v, err := r.vector(ctx, rows)
		if err != nil {
			return nil, fmt.Errorf("set %d: %w", i, err)
		}
		all = append(all, v...)
	}
	var err error
	r.known, err = VectorsOf(all, d)
	return r.known, err
}

// share is the number of rows that each train row has in the curvature.
func (r *removedSets) share() int64 { return r.train.Rows() / max(1, r.gradients.Rows()) }

// curvatureRows are the rows that a set has in the curvature.
func (r *removedSets) curvatureRows(set Rows) Rows {
	k := r.share()
	if k == 1 {
		return set
	}
	out := make([]int64, 0, set.Len()*k)
	for j := range set.Len() {
		for c := range k {
			out = append(out, set.At(j)*k+c)
		}
	}
	return RowList(out)
}

// vector returns what stands for one set.
func (r *removedSets) vector(ctx context.Context, set Rows) ([]float64, error) {
	sum, err := r.total(ctx, selected{r.gradients, set})
	if err != nil || r.newton == nil {
		return sum, err
	}
	own := selected{r.train, r.curvatureRows(set)}
	if own.Rows() <= int64(r.Cols()) {
		return sum, r.woodbury(ctx, own, sum)
	}
	return sum, r.remaining(ctx, own, sum)
}

// total returns the sum of the gradients of a set.
func (r *removedSets) total(ctx context.Context, set selected) ([]float64, error) {
	sum, err := sumBlocks(ctx, set, r.workers, 1, r.Cols(), func(_ int64, g, into kernel.Matrix[float64]) {
		for i := range g.Rows {
			addMultiple(into.Data, 1, g.Row(i))
		}
	})
	if err == nil && finite(sum.Data) >= 0 {
		return nil, r.notFinite(ctx)
	}
	return sum.Data, err
}

// woodbury makes v of the sum of a set's gradients.
func (r *removedSets) woodbury(ctx context.Context, own selected, sum []float64) error {
	rows, err := readAll(ctx, own)
	if err != nil {
		return err
	}
	moved := copyOf(rows)
	if err := r.newton.Apply(ctx, moved); err != nil {
		return err
	}
	rest := kernel.NewMatrix[float64](rows.Rows, rows.Rows)
	kernel.GemmNT(r.workers, moved, rows, rest)
	for i := range rest.Rows {
		row := rest.Row(i)
		for j := range row {
			row[j] *= -r.scale
		}
		row[i]++
	}
	v := kernel.MatrixOf(sum, 1, rows.Cols)
	weights := kernel.NewMatrix[float64](1, rows.Rows)
	kernel.GemmNT(r.workers, v, moved, weights)
	for i := range weights.Data {
		weights.Data[i] *= r.scale
	}
	if err := r.solveRest(rest, weights); err != nil {
		return err
	}
	kernel.GemmNN(r.workers, weights, rows, v)
	return nil
}

// remaining goes by the curvature of the rows that stay, which is added up without those
// of the set, so that nothing cancels.
func (r *removedSets) remaining(ctx context.Context, own selected, sum []float64) error {
	lambda, err := r.lambda(ctx)
	if err != nil {
		return err
	}
	d := r.Cols()
	rest, err := sumBlocks(ctx, selected{r.train, without(own.rows, r.train.Rows())}, r.workers, d, d, func(_ int64, g, into kernel.Matrix[float64]) {
		kernel.GemmTN(r.workers, g, g, into)
	})
	if err != nil {
		return err
	}
	for i := range d {
		row := rest.Row(i)
		for j := range row {
			row[j] *= r.scale
		}
		row[i] += lambda
	}
	step := kernel.MatrixOf(slices.Clone(sum), 1, d)
	if err := r.solveRest(rest, step); err != nil {
		return err
	}
	moved, err := sumBlocks(ctx, own, r.workers, 1, d, func(_ int64, g, into kernel.Matrix[float64]) {
		products := kernel.NewMatrix[float64](1, g.Rows)
		kernel.GemmNT(r.workers, step, g, products)
		kernel.GemmNN(r.workers, products, g, into)
	})
	if err != nil {
		return err
	}
	addMultiple(sum, r.scale, moved.Data)
	return nil
}

// solveRest overwrites rows x with x·rest⁻¹.
func (r *removedSets) solveRest(rest, x kernel.Matrix[float64]) error {
	if err := factorize(r.workers, rest); err != nil {
		return errors.New("the curvature of the rows that stay has no inverse; use a larger damping")
	}
	return (&denseInverse{fisher: r.fisher, factor: rest}).solve(x)
}

// without returns the rows 0 … n−1 that are not listed.
func without(listed Rows, n int64) Rows {
	out := make([]bool, n)
	for j := range listed.Len() {
		out[listed.At(j)] = true
	}
	var rest []int64
	for i, gone := range out {
		if !gone {
			rest = append(rest, int64(i))
		}
	}
	return RowList(rest)
}

// bytes is the memory for the vectors of all sets and for making one.
func (r *removedSets) bytes() int64 {
	d := int64(r.Cols())
	n := r.Rows() * d * 8
	if r.newton == nil {
		return n
	}
	most := int64(0)
	for _, s := range r.sets {
		u := s.Len() * r.share()
		if u > d {
			u = d
		}
		most = max(most, (2*u*d+u*u)*8)
	}
	return n + most + r.newton.Bytes(1)
}

// operations is what making the vectors costs.
func (r *removedSets) operations() float64 {
	d, total := float64(r.Cols()), 0.0
	for _, s := range r.sets {
		u := float64(s.Len() * r.share())
		switch {
		case r.newton == nil:
			total += u * d
		case u <= d:
			total += 2*u*d*d + 2*u*u*d + u*u*u/3
		default:
			total += 2*(float64(r.train.Rows())-u)*d*d + d*d*d/3
		}
	}
	return total
}
