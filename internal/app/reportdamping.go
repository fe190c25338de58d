package app

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/evaluate"
	"github.com/infl-dev/infl/influence/sink"
	"github.com/infl-dev/infl/internal/app/report"
)

// A sensitivity is how much the order of train rows depends on the damping.
type sensitivity struct {
	rows    int
	against map[float64]float64 // mean rank correlation, by what the damping was multiplied with
}

// text says it for the page; "" for nil.
func (s *sensitivity) text() string {
	if s == nil {
		return ""
	}
	return fmt.Sprintf("Spearman %s with a tenth of it, %s with ten times as much: means over the shown queries, of the scores of %s train rows",
		report.Number(s.against[0.1]), report.Number(s.against[10]), report.Count(int64(s.rows)))
}

// weighDamping scores the shown queries on the shown train rows with other dampings. It
// is done for fitted curvature only, whose inverse costs little; nil where it is not.
func (r *reporting) weighDamping(ctx context.Context, l *lists) (*sensitivity, error) {
	if r.inputs == nil || len(l.queries) == 0 || r.flag("per") != "" || r.flag("remove") != "" || r.swept() {
		return nil, nil
	}
	v, ok := r.inputs.inquiry.(*vectorInquiry)
	if !ok || len(v.factors) != 1 {
		return nil, nil
	}
	job := influence.Job{Train: l.trainRows(), Query: l.rows(), Precision: influence.Float64}
	out := &sensitivity{rows: int(job.Train.Len()), against: map[float64]float64{}}
	if out.rows < 3 {
		return nil, nil
	}
	own, err := v.denseWith(ctx, job, 1)
	if err != nil {
		return nil, err
	}
	l.compare(own, job.Train)
	for _, times := range []float64{0.1, 10} {
		other, err := v.denseWith(ctx, job, times)
		if err != nil {
			return nil, err
		}
		for e := range own.Layout.Query {
			at := func(m sink.Matrix) []float64 { return m.Scores[e*m.Layout.Train : (e+1)*m.Layout.Train] }
			rho, err := evaluate.Spearman(at(own), at(other))
			if err != nil {
				return nil, err
			}
			out.against[times] += rho / float64(own.Layout.Query)
		}
	}
	return out, nil
}

// denseWith scores a job with a multiple of the damping.
func (v *vectorInquiry) denseWith(ctx context.Context, j influence.Job, times float64) (sink.Matrix, error) {
	of := v.written()
	of.dampingTimes = times
	s, err := v.makeScorer(ctx, of)
	if err != nil {
		return sink.Matrix{}, err
	}
	return sink.Dense(ctx, s, j)
}

// compare counts the shown scores that are those of m to four digits of the query's
// largest one, and those that are not.
func (l *lists) compare(m sink.Matrix, train influence.Rows) {
	for e, q := range l.queries {
		scores := m.Scores[int64(e)*m.Layout.Train:][:m.Layout.Train]
		most := max(slices.Max(scores), -slices.Min(scores))
		for _, a := range q.answers {
			for _, side := range a.sides {
				for _, row := range side.rows {
					l.weighed++
					if i, ok := position(train, row.TrainRow); !ok || math.Abs(scores[i]-row.Score) > 1e-4*most {
						l.differing++
					}
				}
			}
		}
	}
}

// trainRows are the shown train rows as rows of a job, in order.
func (l *lists) trainRows() influence.Rows {
	var rows []int64
	for _, q := range l.queries {
		for _, a := range q.answers {
			for _, side := range a.sides {
				for _, row := range side.rows {
					rows = append(rows, row.TrainRow)
				}
			}
		}
	}
	slices.Sort(rows)
	return influence.RowList(slices.Compact(rows))
}
