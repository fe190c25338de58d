package app

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/sink"
)

// shownNearest is the number of nearest train rows of a query.
const shownNearest = 3

// readNearest finds the train rows that share most leaves with each shown query.
func (r *reporting) readNearest(ctx context.Context, l *lists) error {
	if r.s == nil || len(l.queries) == 0 {
		return nil
	}
	train, err := r.s.trainRows()
	if err != nil {
		return err
	}
	job := influence.Job{Train: train, Query: l.rows(), Of: influence.Quantity{Kind: influence.Margin, Output: influence.Predicted}}
	top, err := sink.Top(ctx, r.s.model.LeafAgreement(r.s.queries), job, shownNearest)
	if err != nil {
		return err
	}
	for _, e := range top {
		if e.Side == sink.High {
			q := &l.queries[e.Query]
			q.nearest = append(q.nearest, e)
		}
	}
	return nil
}

// weigh scores the shown queries again, with all train rows: for the absolute
// score of which the shown rows have a share, and to see whether model and tables
// still give the scores of the run.
func (r *reporting) weigh(ctx context.Context, l *lists) error {
	if r.s == nil || len(l.queries) == 0 {
		return nil
	}
	train, err := r.s.trainRows()
	if err != nil {
		return err
	}
	precision, err := influence.ParsePrecision(r.flag("dtype"))
	if err != nil {
		return err
	}
	scorer, err := r.s.scorer()
	if err != nil {
		return err
	}
	budget, err := r.s.common.memory()
	if err != nil {
		return err
	}
	step := max(1, int(budget/4/(8*max(train.Len(), 1)*int64(r.s.model.K()))))
	for at := 0; at < len(l.queries); at += step {
		part := l.queries[at:min(at+step, len(l.queries))]
		job := influence.Job{Train: train, Query: (&lists{queries: part}).rows(), Of: r.of, Precision: precision}
		m, err := sink.Dense(ctx, scorer, job)
		if err != nil {
			return err
		}
		for e := range m.Layout.Query {
			output := int32(sink.NoOutput)
			if m.Layout.Output != nil {
				output = m.Layout.Output[e]
			}
			a := part[e/int64(m.Layout.PerRow)].answer(output)
			if a == nil {
				continue
			}
			for _, v := range m.Scores[e*m.Layout.Train : (e+1)*m.Layout.Train] {
				a.total += math.Abs(v)
			}
			for _, side := range a.sides {
				for _, row := range side.rows {
					l.weighed++
					if i, ok := position(train, row.TrainRow); !ok || m.At(e, i) != row.Score {
						l.differing++
					}
				}
			}
		}
	}
	return nil
}

// position finds a train row among rows in ascending order.
func position(rows influence.Rows, row int64) (int64, bool) {
	i, ok := sort.Find(int(rows.Len()), func(i int) int { return cmp.Compare(row, rows.At(int64(i))) })
	return int64(i), ok
}

// rows are the shown queries as rows of a job, in their order.
func (l *lists) rows() influence.Rows {
	rows := make([]int64, len(l.queries))
	for i, q := range l.queries {
		rows[i] = q.row
	}
	return influence.RowList(rows)
}

// answer returns the lists of an output; nil where they are empty.
func (q *shownQuery) answer(output int32) *shownAnswer {
	i := slices.IndexFunc(q.answers, func(a shownAnswer) bool { return a.output == output })
	if i < 0 {
		return nil
	}
	return &q.answers[i]
}

// shareRule says of what a share is.
func (r *reporting) shareRule() string {
	if r.s != nil {
		return " A share is that of the absolute score of all scored train rows on the query."
	}
	return fmt.Sprintf(" A share is that of the absolute score in both lists of the query, which hold up to %s train rows on either side.", r.flag("top"))
}
