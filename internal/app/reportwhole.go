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
	n, q := report.Count(int64(len(v.rows))), report.Count(int64(len(r.tally.mass)))
	switch v.column {
	case "self":
		out.What = fmt.Sprintf("The score of each of the %s train rows about itself.", n)
	case "sum":
		out.What = fmt.Sprintf("The scores of each of the %s train rows, summed over all queries", n)
		if len(r.tally.outputs) > 1 {
			out.What += " and outputs"
		}
		out.What += "."
	default:
		out.What = fmt.Sprintf("The scores of each of the %s train rows, summed over the lists of %s queries. A row that is in no list counts as 0; infl score --aggregate sum adds up all queries.", n, q)
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
func (r *reporting) heat() *report.Heat {
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
	return out
}
