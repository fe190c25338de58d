package app

import (
	"fmt"
	"math"

	"github.com/infl-dev/infl/internal/app/report"
)

// whole is about all scored train rows; nil where the run has no rows.parquet.
func (r *reporting) whole() *report.Whole {
	v := r.values
	if v == nil || len(v.rows) == 0 {
		return nil
	}
	out := &report.Whole{Histogram: report.NewHistogram(v.values), Concentration: report.NewConcentration(v.values)}
	n, over := report.Count(int64(len(v.rows))), "summed over all queries"
	out.Number = "summed score"
	if v.queries > 0 {
		over = fmt.Sprintf("averaged over %s queries", report.Count(v.queries))
		out.Number = "mean score"
	}
	if len(r.tally.outputs) > 1 {
		over += " and summed over outputs"
	}
	switch v.column {
	case "self":
		out.What = fmt.Sprintf("The score of each of the %s train rows about itself.", n)
		out.Number = "self-influence"
		if r.record.Method == "loss" {
			out.Number = "own loss"
		}
	case "sum":
		out.What = fmt.Sprintf("The scores of each of the %s train rows, %s.", n, over)
	default:
		out.What = fmt.Sprintf("The scores of each of the %s train rows in the lists of the queries, %s. A row counts as 0 for a query whose lists do not hold it; infl score --aggregate mean takes all scores.", n, over)
	}
	out.Groups = r.groups()
	return out
}

// groups is the table of train rows by group or label.
func (r *reporting) groups() *report.Groups {
	if r.across == nil {
		return nil
	}
	out := &report.Groups{By: r.across.by}
	for _, name := range r.across.names {
		out.Rows = append(out.Rows, report.Group{Name: name})
	}
	total := 0.0
	for i, row := range r.values.rows {
		g := &out.Rows[r.across.of(row)]
		v := r.values.values[i]
		g.Rows++
		g.Net += report.Number(v)
		g.Share += report.Number(math.Abs(v))
		total += math.Abs(v)
	}
	for i := range out.Rows {
		g := &out.Rows[i]
		g.RowShare = report.Number(float64(g.Rows) / float64(len(r.values.rows)))
		if total > 0 {
			g.Share /= report.Number(total)
		}
	}
	return out
}

// heat is the map of query groups by train groups; nil without either.
func (r *reporting) heat(f *fields) *report.Heat {
	if r.across == nil || r.down == nil || len(r.tally.heat) == 0 {
		return nil
	}
	out := &report.Heat{Down: "query " + r.down.by, Across: "train " + r.across.by, Rows: r.down.names, Columns: r.across.names}
	out.Rule = "The scores in the kept lists, summed by group of train rows (across) and divided by the number of queries in the group (down): what each part of the train table does to an average query of the group."
	if len(r.tally.outputs) > 1 {
		out.Rule += " All outputs are added."
	}
	for d := range out.Rows {
		cells := make([]report.Number, len(out.Columns))
		for a := range cells {
			cells[a] = report.Number(math.NaN())
			if v, ok := r.tally.heat[[2]int32{int32(d), int32(a)}]; ok {
				cells[a] = report.Number(v / float64(max(r.down.sizes[d], 1)))
			}
		}
		out.Cells = append(out.Cells, cells)
	}
	r.fillCells(out, f)
	return out
}
