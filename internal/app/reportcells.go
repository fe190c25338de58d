package app

import (
	"cmp"
	"math"
	"slices"

	"github.com/infl-dev/infl/internal/app/report"
)

// shownCell is the number of train rows that a cell of the heat map leads to.
const shownCell = 4

// topCells picks, for each cell of the heat map, the train rows whose scores in
// the lists of the cell's queries have the largest absolute sum; ties are ordered
// by train row.
func (r *reporting) topCells() map[[2]int32][]int64 {
	all := make([]cellRow, 0, len(r.tally.cells))
	for c := range r.tally.cells {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b cellRow) int {
		x, y := math.Abs(r.tally.cells[a]), math.Abs(r.tally.cells[b])
		return cmp.Or(cmp.Compare(y, x), cmp.Compare(a.row, b.row), cmp.Compare(a.down, b.down))
	})
	out := make(map[[2]int32][]int64)
	for _, c := range all {
		cell := [2]int32{c.down, r.across.of(c.row)}
		if len(out[cell]) < shownCell {
			out[cell] = append(out[cell], c.row)
		}
	}
	return out
}

// fillCells lays out the train rows of the cells.
func (r *reporting) fillCells(h *report.Heat, f *fields) {
	h.Fields = r.columns
	h.Tops = make([][][]report.HeatRow, len(h.Rows))
	for d := range h.Rows {
		h.Tops[d] = make([][]report.HeatRow, len(h.Columns))
		for a := range h.Columns {
			for _, row := range r.cells[[2]int32{int32(d), int32(a)}] {
				mean := r.tally.cells[cellRow{int32(d), row}] / float64(max(r.down.sizes[d], 1))
				h.Tops[d][a] = append(h.Tops[d][a], report.HeatRow{
					Key: r.trainKey(row), Row: row, Label: r.trainLabel(row), Score: report.Number(mean), Fields: cells(f.train[row], nil),
				})
			}
		}
	}
}
