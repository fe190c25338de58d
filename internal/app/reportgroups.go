package app

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/infl-dev/infl/influence/dataset"
)

// maxGroups bounds the groups of a table or a heat map; the smallest are put
// together.
const maxGroups = 12

// A grouping gives each row of a table a group.
type grouping struct {
	by    string
	names []string
	sizes []int64
	row   []int32
}

func (g *grouping) of(row int64) int32 { return g.row[row] }

// newGrouping counts the groups, orders them by name or as they are given, and
// joins the smallest beyond maxGroups.
func newGrouping(by string, names []string, of []int32) *grouping {
	sizes := make([]int64, len(names))
	for _, g := range of {
		sizes[g]++
	}
	order := make([]int32, len(names))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int { return int(sizes[b] - sizes[a]) })
	to := make([]int32, len(names))
	g := &grouping{by: by, row: make([]int32, len(of))}
	kept := order[:min(len(order), maxGroups)]
	if len(order) > maxGroups {
		kept = order[:maxGroups-1]
	}
	slices.Sort(kept)
	for i, k := range kept {
		to[k] = int32(i)
		g.names = append(g.names, orMissing(names[k]))
	}
	if rest := order[len(kept):]; len(rest) > 0 {
		for _, k := range rest {
			to[k] = int32(len(kept))
		}
		g.names = append(g.names, fmt.Sprintf("%d other groups", len(rest)))
	}
	g.sizes = make([]int64, len(g.names))
	for i, k := range of {
		g.row[i] = to[k]
		g.sizes[to[k]]++
	}
	return g
}

// trainGrouping groups train rows by the run's group column, else by label.
func (r *reporting) trainGrouping() *grouping {
	if r.s == nil {
		return r.namedGrouping(r.flag("group"), r.inputs.trainGroups)
	}
	if g := r.s.model.Groups(); g != nil && !r.hidden(r.flag("group")) {
		return sortedGrouping(r.flag("group"), g)
	}
	if !r.labelled() {
		return nil
	}
	return r.labelGrouping(r.s.model.Rows(), r.s.model.Label)
}

// queryGrouping groups queries by the run's group column, else by label; nil
// where there is neither.
func (r *reporting) queryGrouping() *grouping {
	if r.s == nil {
		return r.namedGrouping(r.flag("by"), r.inputs.queryGroups)
	}
	if r.s.queries == nil {
		return nil
	}
	by := r.s.by
	if by == "" {
		by = r.flag("group")
	}
	if g := r.s.queries.Groups(); g != nil && !r.hidden(by) {
		return sortedGrouping(by, g)
	}
	if !r.labelled() || !r.s.queries.Labelled() {
		return nil
	}
	return r.labelGrouping(r.s.queries.Rows(), r.s.queries.Label)
}

// namedGrouping groups rows by a column, or by the lines of a file: @FILE; nil without,
// and where the run is about sets of train rows.
func (r *reporting) namedGrouping(by string, g *dataset.Groups) *grouping {
	if g == nil || r.hidden(by) || r.flag("remove") != "" {
		return nil
	}
	if file, ok := strings.CutPrefix(by, "@"); ok {
		by = filepath.Base(file)
	}
	return sortedGrouping(by, g)
}

// sortedGrouping orders groups by name.
func sortedGrouping(by string, g *dataset.Groups) *grouping {
	names := slices.Sorted(slices.Values(g.Names))
	to := make([]int32, len(names))
	for i, name := range g.Names {
		at, _ := slices.BinarySearch(names, name)
		to[i] = int32(at)
	}
	of := make([]int32, len(g.Of))
	for i, k := range g.Of {
		of[i] = to[k]
	}
	return newGrouping(by, names, of)
}

// labelGrouping groups rows by label: each value is a group where the train
// table has few, else the quarters of the train labels are.
func (r *reporting) labelGrouping(n int64, label func(int64) float64) *grouping {
	by := "label"
	bounds, whole := r.labelBounds()
	names := make([]string, 0, len(bounds)+1)
	for i, b := range bounds {
		switch {
		case whole:
			names = append(names, r.s.className(b))
		case i == 0:
			names = append(names, fmt.Sprintf("≤ %.4g", b))
		default:
			names = append(names, fmt.Sprintf("%.4g to %.4g", bounds[i-1], b))
		}
	}
	if !whole {
		names = append(names, fmt.Sprintf("> %.4g", bounds[len(bounds)-1]))
	} else {
		names = append(names, "another label")
	}
	of := make([]int32, n)
	for i := range of {
		y := label(int64(i))
		at, found := slices.BinarySearch(bounds, y)
		if math.IsNaN(y) || whole && !found {
			at = len(names) - 1
		}
		of[i] = int32(at)
	}
	if !slices.Contains(of, int32(len(names)-1)) {
		names = names[:len(names)-1]
	}
	return newGrouping(by, names, of)
}

// labelBounds returns the values of the train labels where there are few
// (whole), else the three bounds between quarters of the train rows.
func (r *reporting) labelBounds() (bounds []float64, whole bool) {
	n := r.s.model.Rows()
	all := make([]float64, n)
	for i := range all {
		all[i] = r.s.model.Label(int64(i))
	}
	slices.Sort(all)
	values := slices.Compact(slices.Clone(all))
	if len(values) <= maxGroups || r.classes() {
		return values, true
	}
	for q := 1; q < 4; q++ {
		bounds = append(bounds, all[len(all)*q/4])
	}
	return slices.Compact(bounds), false
}
