package model

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/infl-dev/infl/internal/kernel"
)

// mlp goes along the gradients of batches:
//
//	(n/N)·(1/b)·Σ over a batch of b rows  ∂loss/∂θ + μ·θ
//
// for n rows that are trained on, so that an epoch's mean is the gradient of the
// objective.
func (t *trainer) mlp(ctx context.Context) error {
	o, m := t.options, t.model
	m.Training.Seed, m.Training.Optimizer, m.Training.LearningRate, m.Training.BatchSize = o.Seed, o.Optimizer, o.LearningRate, o.BatchSize
	if o.Optimizer == Momentum {
		m.Training.Momentum = o.Momentum
	}
	n := t.rows.Len()
	batch := min(o.BatchSize, n)
	p := newPass(m, batch, t.workers)
	moves := make([]mover, len(m.Layers))
	for i := range moves {
		moves[i] = newMover(o, len(m.Layers[i].Theta))
	}
	design, labels := t.design(), make([]float64, batch)
	for epoch := range o.Epochs {
		order := t.order(epoch)
		for first := 0; first < n; first += batch {
			if err := ctx.Err(); err != nil {
				return err
			}
			part := order[first:min(first+batch, n)]
			p.resize(len(part))
			for i, row := range part {
				copy(p.inputs[0].Row(i), design.Row(row))
				labels[i] = t.rows.Y[row]
			}
			t.step(p, labels[:len(part)], moves)
		}
		m.Training.Epoch, m.moments = epoch+1, momentsOf(moves)
		if err := t.endEpoch(ctx); err != nil {
			return err
		}
	}
	return t.settle(ctx)
}

// step moves the weights by a batch.
func (t *trainer) step(p *pass, labels []float64, moves []mover) {
	m := t.model
	p.forward(labels)
	p.backward()
	weight := float64(t.rows.Len()) / m.Training.Denominator / float64(len(labels))
	for i := range m.Layers {
		l := &m.Layers[i]
		g := kernel.MatrixOf(moves[i].gradient, l.Out, l.In+1)
		clear(g.Data)
		p.addGradient(i, g)
		for j := range g.Data {
			g.Data[j] *= weight
		}
		m.Training.addPenalty(l, g)
		moves[i].move(l.Theta)
	}
	m.Training.Step++
}

// endEpoch looks for weights that are no numbers, and hands over a checkpoint.
func (t *trainer) endEpoch(ctx context.Context) error {
	m := t.model
	for i := range m.Layers {
		if v := largest(m.Layers[i].Theta); v-v != 0 {
			return fmt.Errorf("training diverged in epoch %d: weights of %s are no numbers; use a smaller learning rate", m.Training.Epoch, m.Layers[i].Name)
		}
	}
	if t.options.Checkpoint == nil {
		return nil
	}
	if err := t.settle(ctx); err != nil {
		return err
	}
	return t.options.Checkpoint(m.clone())
}

// order returns the rows in the order of an epoch, which follows from the seed, the
// epoch and each row's number alone: rows that are left out do not change the order of
// the others.
func (t *trainer) order(epoch int) []int {
	type place struct {
		draw uint64
		row  int
	}
	places := make([]place, t.rows.Len())
	for i := range places {
		number := uint64(i)
		if t.numbers != nil {
			number = uint64(t.numbers[i])
		}
		places[i] = place{draw(t.options.Seed, uint64(epoch)+1, number), i}
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Or(cmp.Compare(a.draw, b.draw), a.row-b.row) })
	out := make([]int, len(places))
	for i, p := range places {
		out[i] = p.row
	}
	return out
}

// draw returns 64 random bits for a place in a stream of a seed: the mixer of
// SplitMix64 (Steele, Lea and Flood 2014) over the three.
func draw(seed, stream, at uint64) uint64 {
	x := seed
	for _, v := range [2]uint64{stream, at} {
		x += 0x9e3779b97f4a7c15
		x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
		x = (x ^ x>>27) * 0x94d049bb133111eb
		x ^= x>>31 ^ v*0xd1342543de82ef95
	}
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// draw fills the weights and biases of each layer from the uniform distribution on
// ±1/√in, as PyTorch does for linear layers.
func (m *Model) draw(seed uint64) {
	for i := range m.Layers {
		l := &m.Layers[i]
		bound := 1 / math.Sqrt(float64(l.In))
		for j := range l.Theta {
			unit := float64(draw(seed, math.MaxUint64-uint64(i), uint64(j))>>11) * 0x1p-53
			l.Theta[j] = bound * (2*unit - 1)
		}
	}
}
