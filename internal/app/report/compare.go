package report

import "slices"

// maxLines bounds the fields that are laid side by side.
const maxLines = 40

// A comparison lays a query beside its train rows, field by field. Both sides
// have the same lines.
type comparison struct {
	Sides []comparedSide
	Same  []field // equal in the query and in all shown train rows
	More  int     // differing fields beyond maxLines
}

type comparedSide struct {
	Side
	Lines []line
}

// A line is one field of the query and of each train row.
type line struct {
	Name  string
	Query Cell
	Cells []Cell
}

// A field is a column's name with a cell.
type field struct {
	Name string
	Cell Cell
}

// compare lays an answer beside its query. Of more than maxLines differing
// fields those that differ most often stay, in their order.
func compare(columns []string, q Query, a Answer) comparison {
	var out comparison
	differ := make([]int, len(columns))
	var shown []int
	for c := range columns {
		if c >= len(q.Fields) {
			break
		}
		for _, side := range a.Sides {
			for _, r := range side.Rows {
				if r.Fields[c].Differs {
					differ[c]++
				}
			}
		}
		if differ[c] == 0 {
			out.Same = append(out.Same, field{columns[c], q.Fields[c]})
			continue
		}
		shown = append(shown, c)
	}
	if len(shown) > maxLines {
		out.More = len(shown) - maxLines
		slices.SortStableFunc(shown, func(x, y int) int { return differ[y] - differ[x] })
		shown = shown[:maxLines]
		slices.Sort(shown)
	}
	for _, side := range a.Sides {
		if len(side.Rows) == 0 {
			continue
		}
		s := comparedSide{Side: side}
		for _, c := range shown {
			l := line{Name: columns[c], Query: q.Fields[c]}
			for _, r := range side.Rows {
				l.Cells = append(l.Cells, r.Fields[c])
			}
			s.Lines = append(s.Lines, l)
		}
		out.Sides = append(out.Sides, s)
	}
	return out
}
