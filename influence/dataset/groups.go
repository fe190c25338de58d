package dataset

// Groups are the values of a group column, one per row, kept as numbers into a
// list of distinct names. The zero value has no rows. As keys, the rows' groups
// repeat.
type Groups struct {
	Names []string // distinct values in order of first appearance
	Of    []int32  // group number of each row
	known map[string]int32
}

// Add appends the groups of further rows.
func (g *Groups) Add(values []string) {
	if g.known == nil {
		g.known = make(map[string]int32)
	}
	for _, v := range values {
		n, ok := g.known[v]
		if !ok {
			n = int32(len(g.Names))
			g.known[v] = n
			g.Names = append(g.Names, v)
		}
		g.Of = append(g.Of, n)
	}
}

// Len returns the number of rows.
func (g *Groups) Len() int64 { return int64(len(g.Of)) }

// IsInt returns false: groups are text.
func (g *Groups) IsInt() bool { return false }

// Int returns the number of row i's group.
func (g *Groups) Int(i int64) int64 { return int64(g.Of[i]) }

// String returns the name of row i's group.
func (g *Groups) String(i int64) string { return g.Names[g.Of[i]] }
