package model

import (
	"context"
	"errors"
	"fmt"

	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/kernel/dense"
)

// ridge solves the normal equations
//
//	(AᵀA/N + μI)·θ = Aᵀy/N
//
// by Cholesky, A the scaled features with the 1 of the bias.
func (t *trainer) ridge(ctx context.Context) error {
	a, l := t.design(), &t.model.Layers[0]
	h := kernel.NewMatrix[float64](a.Cols, a.Cols)
	kernel.Syrk(t.workers, a, h)
	theta := kernel.MatrixOf(l.Theta, a.Cols, 1)
	clear(l.Theta)
	kernel.GemmTN(t.workers, a, kernel.MatrixOf(t.rows.Y, a.Rows, 1), theta)
	for j := range l.Theta {
		l.Theta[j] /= t.model.Training.Denominator
	}
	t.model.damp(h)
	if err := solve(t.workers, h, theta); err != nil {
		return fmt.Errorf("the features of the %d rows do not determine the weights: %w; use an L2 regularisation above 0", a.Rows, err)
	}
	return t.settle(ctx)
}

// damp divides a sum over rows by N and adds μ to its diagonal, whose entries are
// those of θ.
func (m *Model) damp(h kernel.Matrix[float64]) {
	l := &m.Layers[0]
	for i := range h.Rows {
		row := h.Row(i)
		for j := range row {
			row[j] /= m.Training.Denominator
		}
		row[i] += m.Training.penalty(i%(l.In+1), l.In)
	}
}

// solve overwrites b with the solution of h·x = b, and the lower half of h with its
// Cholesky factor.
func solve(workers int, h, b kernel.Matrix[float64]) error {
	if err := dense.Cholesky(workers, h); err != nil {
		return err
	}
	lower := dense.Triangular{Matrix: h}
	if err := dense.SolveLeft(workers, lower, b); err != nil {
		return err
	}
	lower.Transposed = true
	if err := dense.SolveLeft(workers, lower, b); err != nil {
		return err
	}
	if v := largest(b.Data); v-v != 0 {
		return errors.New("the solution is not finite")
	}
	return nil
}
