package sink

import (
	"context"

	"github.com/infl-dev/infl/influence"
)

// A Matrix holds all scores of a small job: the score of query entry e on
// train position i is Scores[e·n + i], n = Layout.Train. Float32 scores are
// widened, which is exact.
type Matrix struct {
	Layout influence.Layout
	Scores []float64
}

// At returns the score of a query entry on a train position.
func (m Matrix) At(entry, position int64) float64 {
	return m.Scores[entry*m.Layout.Train+position]
}

// Dense scores a job and returns all its scores. It takes 8·n·q bytes: for
// tests and small problems. A NaN score is an error, as are tiles that
// overlap, leave a unit or do not fill it.
func Dense(ctx context.Context, s influence.Scorer, j influence.Job) (Matrix, error) {
	d := new(dense)
	if err := newMemorySink(j.Train, d).run(ctx, s, j); err != nil {
		return Matrix{}, err
	}
	return Matrix{d.layout, d.scores}, nil
}

// dense keeps all scores in memory; it is its own unit state, since units and
// tiles write disjoint parts. The stored state of a unit is empty.
type dense struct {
	layout influence.Layout
	scores []float64
}

func (r *dense) name() string { return "dense" }

func (r *dense) begin(l influence.Layout) error {
	r.layout, r.scores = l, make([]float64, l.Query*l.Train)
	return nil
}

func (r *dense) open(influence.Range2) (unitState, error) { return r, nil }

func (r *dense) add(t influence.Tile) error {
	width := t.Query.Len()
	for e := t.Query.Lo; e < t.Query.Hi; e++ {
		for i := t.Train.Lo; i < t.Train.Hi; i++ {
			at := (i-t.Train.Lo)*width + e - t.Query.Lo
			if t.F64 != nil {
				r.scores[e*r.layout.Train+i] = t.F64[at]
			} else {
				r.scores[e*r.layout.Train+i] = float64(t.F32[at])
			}
		}
	}
	return nil
}

func (r *dense) finish() ([]byte, error) { return nil, nil }

func (r *dense) check(influence.Range2, section) error { return nil }
