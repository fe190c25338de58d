package model

import (
	"context"
	"fmt"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/kernel/dense"
	"github.com/infl-dev/infl/internal/parallel"
)

// maxHessian is the largest number of weights whose Hessian is formed.
const maxHessian = 20_000

// A Hessian is that of the objective of a ridge or softmax model at its weights,
//
//	H = (1/N)·Σ_i C_i ⊗ a_i·a_iᵀ + μI     C = diag(p) − p·pᵀ, or 1 for the squared loss
//
// over rows that it was trained on, P × P for P weights, with the N and μ of training.
// [influence.HessianRows] make the same of captured gradients. It may be used from several
// goroutines.
type Hessian struct {
	model   *Model
	workers int
	a       kernel.Matrix[float64] // n × (d + 1)
	p       kernel.Matrix[float64] // probabilities, n × K; ones for the squared loss
	g       kernel.Matrix[float64] // gradients of the rows' losses by outputs, n × K
	whole   kernel.Matrix[float64] // H, its lower half
	factor  kernel.Matrix[float64] // Cholesky factor of H
}

// Hessian computes and factors the Hessian for the rows d. It is an error for
// multilayer perceptrons, for more than 20,000 weights, and where H is not positive
// definite, which μ > 0 prevents unless the biases of a softmax model are free: they
// may all move together. Cost: n·P² + P³/3 operations; memory 2·P² numbers and
// the rows.
func (m *Model) Hessian(ctx context.Context, d *Data, workers int) (*Hessian, error) {
	if m.Kind == MLP {
		return nil, &influence.UnsupportedError{What: "the exact Hessian of a multilayer perceptron", Reason: "it is not convex", Instead: "use exact, datainf or cg on its capture"}
	}
	size := m.Parameters()
	if size > maxHessian {
		return nil, &influence.UnsupportedError{What: fmt.Sprintf("a Hessian of %d × %d numbers", size, size), Reason: "it takes too long", Instead: "use datainf or cg on a capture"}
	}
	if err := m.accepts(d); err != nil {
		return nil, err
	}
	h := &Hessian{model: m, workers: parallel.Workers(workers)}
	h.a, h.g = m.rows(d, h.workers)
	h.p = kernel.NewMatrix[float64](d.Len(), m.Width())
	for i, y := range d.Y {
		row := h.p.Row(i)
		if m.Loss == HalfSquared {
			row[0] = 1
			continue
		}
		copy(row, h.g.Row(i))
		row[int(y)]++
	}
	all := make([]int, d.Len())
	for i := range all {
		all[i] = i
	}
	h.whole = kernel.NewMatrix[float64](size, size)
	if err := h.add(ctx, all, 1, h.whole); err != nil {
		return nil, err
	}
	m.damp(h.whole)
	h.factor = copied(h.whole)
	if err := dense.Cholesky(h.workers, h.factor); err != nil {
		return nil, fmt.Errorf("the Hessian of %d × %d numbers has no inverse: %w; train with an L2 regularisation above 0 and the biases in it", size, size, err)
	}
	return h, nil
}

// rows returns scaled features and gradients of the losses by outputs.
func (m *Model) rows(d *Data, workers int) (a, g kernel.Matrix[float64]) {
	a, g = kernel.NewMatrix[float64](d.Len(), d.Width()+1), kernel.NewMatrix[float64](d.Len(), m.Width())
	m.Scaling.design(d, 0, a)
	kernel.GemmNT(workers, a, m.Layers[0].matrix(), g)
	for i, y := range d.Y {
		m.Loss.of(g.Row(i), y)
	}
	return a, g
}

func copied(m kernel.Matrix[float64]) kernel.Matrix[float64] {
	return kernel.MatrixOf(append([]float64(nil), m.Data...), m.Rows, m.Cols)
}

// add adds weight·Σ C ⊗ a·aᵀ over listed rows to the lower half of sum: for classes
// c ≥ e the block of their weights is (w·a)ᵀ·a with w = weight·p_c·([c = e] − p_e).
func (h *Hessian) add(ctx context.Context, rows []int, weight float64, sum kernel.Matrix[float64]) error {
	k, width := h.model.Width(), h.a.Cols
	a, scaled := kernel.NewMatrix[float64](len(rows), width), kernel.NewMatrix[float64](len(rows), width)
	for i, row := range rows {
		copy(a.Row(i), h.a.Row(row))
	}
	for c := range k {
		for e := range c + 1 {
			if err := ctx.Err(); err != nil {
				return err
			}
			for i, row := range rows {
				w := weight * h.curvature(row, c, e)
				for j, v := range a.Row(i) {
					scaled.Row(i)[j] = w * v
				}
			}
			kernel.GemmTN(h.workers, scaled, a, sum.Block(c*width, e*width, width, width))
		}
	}
	return nil
}

// curvature returns entry (c, e) of C of a row.
func (h *Hessian) curvature(row, c, e int) float64 {
	p := h.p.Row(row)
	switch {
	case h.model.Loss == HalfSquared:
		return 1
	case c == e:
		return p[c] * (1 - p[c])
	}
	return -(p[c] * p[e])
}

// gradients returns the gradients of rows by all weights, rows × P.
func gradients(a, g kernel.Matrix[float64]) kernel.Matrix[float64] {
	out := kernel.NewMatrix[float64](a.Rows, a.Cols*g.Cols)
	for i := range a.Rows {
		row := out.Row(i)
		for c, slope := range g.Row(i) {
			for j, v := range a.Row(i) {
				row[c*a.Cols+j] = slope * v
			}
		}
	}
	return out
}

// Influence returns the influence of each train row on each query row, q × n:
//
//	I(i, q) = ∇L_qᵀ·H⁻¹·∇L_i
//
// (Koh and Liang 2017, equation 2, sign turned.) score > 0: the row helps; removing it
// changes the query's loss by about I/N. Cost: 2·q·(P² + n·P) operations.
func (h *Hessian) Influence(ctx context.Context, query *Data) ([]float64, error) {
	q, err := h.queries(query)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := substitute(h.workers, h.factor, q); err != nil {
		return nil, err
	}
	out := kernel.NewMatrix[float64](q.Rows, h.a.Rows)
	kernel.GemmNT(h.workers, q, gradients(h.a, h.g), out)
	return out.Data, nil
}

// queries returns the gradients of query rows, q × P.
func (h *Hessian) queries(query *Data) (kernel.Matrix[float64], error) {
	if err := h.model.accepts(query); err != nil {
		return kernel.Matrix[float64]{}, err
	}
	return gradients(h.model.rows(query, h.workers)), nil
}

// substitute overwrites the rows of b with H⁻¹·b, given the Cholesky factor of H.
func substitute(workers int, factor, b kernel.Matrix[float64]) error {
	if err := dense.SolveRight(workers, dense.Triangular{Matrix: factor, Transposed: true}, b); err != nil {
		return err
	}
	return dense.SolveRight(workers, dense.Triangular{Matrix: factor}, b)
}

// Removal returns by how much one Newton step changes the loss of each query where a
// group of train rows is left out, to first order in the step, groups × q:
//
//	Δ(U, q) = ∇L_qᵀ·(N·H − H_U)⁻¹·Σ_{i∈U} ∇L_i,   H_U = Σ_{i∈U} C_i ⊗ a_i·a_iᵀ
//
// N and μ stay. Unlike the sum of the members' influence by N it knows that the members
// take their curvature with them. An empty group changes nothing; a row that is listed
// twice counts twice. Cost: P³/3 operations for each group.
func (h *Hessian) Removal(ctx context.Context, query *Data, groups [][]int) ([]float64, error) {
	q, err := h.queries(query)
	if err != nil {
		return nil, err
	}
	all := gradients(h.a, h.g)
	n := h.model.Training.Denominator
	out := kernel.NewMatrix[float64](len(groups), q.Rows)
	for u, group := range groups {
		if err := h.listed(group); err != nil {
			return nil, fmt.Errorf("group %d: %w", u, err)
		}
		rest, sum := copied(h.whole), kernel.NewMatrix[float64](1, q.Cols)
		if err := h.add(ctx, group, -1/n, rest); err != nil {
			return nil, err
		}
		for _, row := range group {
			for j, v := range all.Row(row) {
				sum.Data[j] += v
			}
		}
		if err := dense.Cholesky(h.workers, rest); err != nil {
			return nil, fmt.Errorf("group %d: without its %d rows the Hessian has no inverse: %w", u, len(group), err)
		}
		if err := substitute(h.workers, rest, sum); err != nil {
			return nil, err
		}
		row := out.Row(u)
		kernel.GemmNT(h.workers, sum, q, kernel.MatrixOf(row, 1, len(row)))
		for j := range row {
			row[j] /= n
		}
	}
	return out.Data, nil
}

// listed says which row of a group there is not.
func (h *Hessian) listed(group []int) error {
	for _, row := range group {
		if row < 0 || row >= h.a.Rows {
			return fmt.Errorf("row %d is none of 0 … %d", row, h.a.Rows-1)
		}
	}
	return nil
}

// Leverages returns the leverage of each train row of a ridge model, n:
//
//	h_i = a_iᵀ·H⁻¹·a_i/N
//
// between 0 and 1: the derivative of the row's prediction by its label.
func (h *Hessian) Leverages() ([]float64, error) {
	if h.model.Loss != HalfSquared {
		return nil, &influence.UnsupportedError{What: "the leverage of a classifier's rows", Reason: "its predictions are not linear in the labels", Instead: "use Removal"}
	}
	x := copied(h.a)
	if err := substitute(h.workers, h.factor, x); err != nil {
		return nil, err
	}
	out := make([]float64, x.Rows)
	for i := range out {
		out[i] = inner(x.Row(i), h.a.Row(i)) / h.model.Training.Denominator
	}
	return out, nil
}

// LeaveOneOut returns the exact change of each query's loss where a ridge model is
// trained without a row, N and μ unchanged, q × n. By the formula of Sherman and
// Morrison the prediction of q changes by δ = a_qᵀ·H⁻¹·a_i·r_i/(N·(1 − h_i)), r the
// residual z − y, and the loss by r_q·δ + δ²/2.
func (h *Hessian) LeaveOneOut(query *Data) ([]float64, error) {
	leverages, err := h.Leverages()
	if err != nil {
		return nil, err
	}
	if err := h.model.accepts(query); err != nil {
		return nil, err
	}
	a, r := h.model.rows(query, h.workers)
	if err := substitute(h.workers, h.factor, a); err != nil {
		return nil, err
	}
	out := kernel.NewMatrix[float64](a.Rows, h.a.Rows)
	kernel.GemmNT(h.workers, a, h.a, out)
	for e := range out.Rows {
		row := out.Row(e)
		for i, v := range row {
			delta := v * h.g.At(i, 0) / (h.model.Training.Denominator * (1 - leverages[i]))
			row[i] = float64(r.At(e, 0)*delta) + float64(0.5*float64(delta*delta))
		}
	}
	return out.Data, nil
}
