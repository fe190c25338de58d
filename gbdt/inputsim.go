package gbdt

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/parallel"
)

// InputSim returns the similarity of raw features by a measure, by default
//
//	S(q, i) = sign(i, q)/‖x_i − x_q‖₂
//
// with the sign of LeafSim for the loss and without it for other quantities. It reads the train table once more
// for each call of Score, and the query table once. Missing values and
// categorical features are an error: they have no distance.
//
// Source: Brophy, Hammoudeh, Lowd, JMLR 24 (2023), InputSim.
func (m *Model) InputSim(queries *Queries, measure Measure) (influence.Scorer, error) {
	for _, f := range m.forest.Features {
		if f.Categorical {
			return nil, &influence.UnsupportedError{What: "inputsim with the categorical feature " + f.Name, Reason: "categories have no distance", Instead: "use leafsim"}
		}
	}
	return &inputScorer{model: m, queries: queries, by: measure.or(Euclidean)}, nil
}

type inputScorer struct {
	model   *Model
	queries *Queries
	by      Measure
}

func (s *inputScorer) Describe() influence.Description { return s.describe(influence.Quantity{}) }

func (s *inputScorer) describe(of influence.Quantity) influence.Description {
	d := (&leafSim{model: s.model, signed: of.Kind == influence.Loss}).describe()
	d.Method, d.Source = "inputsim", "Brophy, Hammoudeh, Lowd, JMLR 24 (2023), InputSim ("+s.by.String()+")"
	d.Unit = [...]string{Dot: "product of the raw features", Cosine: "cosine of the raw features", Euclidean: "1/distance of the raw features"}[s.by]
	return s.model.describe(d, of)
}

func (s *inputScorer) Layout(j influence.Job) (influence.Layout, error) {
	if j.Self {
		return influence.Layout{}, fmt.Errorf("inputsim has no self-influence: every row is nearest to itself")
	}
	if j.Pools != nil {
		return influence.Layout{}, errNoPools("inputsim")
	}
	return (&joinScorer{model: s.model, queries: s.queries, est: &leafSim{model: s.model}}).Layout(j)
}

func (s *inputScorer) Plan(_ context.Context, j influence.Job) (influence.Plan, error) {
	l, err := s.Layout(j)
	if err != nil {
		return influence.Plan{}, err
	}
	p := float64(len(s.model.forest.Features))
	ops := float64(l.Train) * float64(l.Query) * p
	return influence.Plan{
		Passes:      []influence.Pass{{Input: "train", Times: 1, Bytes: s.model.bound.Table().Bytes()}},
		MemoryBytes: l.Query * int64(p) * 8, Operations: ops, Seconds: ops * 1e-9 / float64(s.model.workers), Units: l.NumUnits(),
	}, nil
}

// Score implements influence.Scorer.
func (s *inputScorer) Score(ctx context.Context, j influence.Job, sink influence.Sink) error {
	l, err := s.Layout(j)
	if err != nil {
		return err
	}
	if err := sink.Begin(ctx, l); err != nil {
		return err
	}
	missing := slices.Collect(sink.Missing())
	if len(missing) == 0 {
		return nil
	}
	r := &inputRun{inputScorer: s, job: j, sink: sink, precision: l.Precision, units: missing, at: positions(j.Train)}
	if r.x, err = rowsOf(ctx, s.queries.bound, j.Query); err != nil {
		return err
	}
	for fr, err := range s.model.bound.Frames(ctx) {
		if err != nil {
			return err
		}
		if err := r.frame(ctx, fr); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// inputRun is one run of an inputScorer.
type inputRun struct {
	*inputScorer
	job       influence.Job
	sink      influence.Sink
	precision influence.Precision
	units     []influence.Range2
	at        func(row int64) []int64
	x         [][]float64 // features of the query positions
}

// frame puts the scores of the rows of a frame, row by row.
func (r *inputRun) frame(ctx context.Context, fr *dataset.Frame) error {
	const step = 64
	return parallel.For(ctx, r.model.workers, (fr.N+step-1)/step, func(_, b int) error {
		x := make([]float64, len(fr.X))
		for i := b * step; i < min((b+1)*step, fr.N); i++ {
			row := fr.First + int64(i)
			where := r.at(row)
			if len(where) == 0 {
				continue
			}
			if err := features64(fr, i, x); err != nil {
				return fmt.Errorf("%s: row %d: %w", r.model.bound.Table().Path(), row, err)
			}
			for _, pos := range where {
				for _, u := range r.units {
					if pos < u.Train.Lo || pos >= u.Train.Hi {
						continue
					}
					tile := influence.Range2{Query: u.Query, Train: influence.Range{Lo: pos, Hi: pos + 1}}
					if err := r.sink.Put(ctx, narrow(tile, r.row(row, x, u.Query), r.precision)); err != nil {
						return err
					}
				}
			}
		}
		return nil
	})
}

// row scores one train row on a range of query positions.
func (r *inputRun) row(row int64, x []float64, queries influence.Range) []float64 {
	out := make([]float64, queries.Len())
	for e := range out {
		q := queries.Lo + int64(e)
		v := r.similarity(x, r.x[q])
		if r.job.Of.Kind == influence.Loss {
			at := r.job.Query.At(q)
			v *= r.model.agreement(r.model.train.y[row], r.queries.rows.y[at], r.queries.margins[0][at])
		}
		out[e] = v
	}
	return out
}

// similarity of two feature vectors; a distance is summed as it is, not from
// norms, so that near rows stay apart.
func (r *inputRun) similarity(x, y []float64) float64 {
	if r.by == Euclidean {
		square := 0.0
		for f, v := range x {
			d := v - y[f]
			square += float64(d * d)
		}
		return inverseDistance(square, r.precision)
	}
	var xy, xx, yy float64
	for f, v := range x {
		xy += float64(v * y[f])
		xx += float64(v * v)
		yy += float64(y[f] * y[f])
	}
	return r.by.of(xy, xx, yy, r.precision)
}

// features64 copies row i of a frame; a missing value is an error.
func features64(fr *dataset.Frame, i int, x []float64) error {
	for f := range x {
		x[f] = fr.X[f][i]
		if math.IsNaN(x[f]) {
			return fmt.Errorf("feature %d is missing: inputsim has no distance to a missing value; use leafsim", f)
		}
	}
	return nil
}

// rowsOf reads the features of the rows of a job side.
func rowsOf(ctx context.Context, b *dataset.Bound, rows influence.Rows) ([][]float64, error) {
	out := make([][]float64, rows.Len())
	at := positions(rows)
	for fr, err := range b.Frames(ctx) {
		if err != nil {
			return nil, err
		}
		for i := range fr.N {
			for _, pos := range at(fr.First + int64(i)) {
				out[pos] = make([]float64, len(fr.X))
				if err := features64(fr, i, out[pos]); err != nil {
					return nil, fmt.Errorf("%s: row %d: %w", b.Table().Path(), fr.First+int64(i), err)
				}
			}
		}
	}
	return out, nil
}

// positions returns the inverse of Rows.At: the positions of a row in the job.
func positions(rows influence.Rows) func(row int64) []int64 {
	if r, ok := rows.Contiguous(); ok {
		return func(row int64) []int64 {
			if row < r.Lo || row >= r.Hi {
				return nil
			}
			return []int64{row - r.Lo}
		}
	}
	at := make(map[int64][]int64)
	for j := range rows.Len() {
		at[rows.At(j)] = append(at[rows.At(j)], j)
	}
	return func(row int64) []int64 { return at[row] }
}
