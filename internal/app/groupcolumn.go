package app

// A groupColumn holds the group of each row, as a number into its names.
type groupColumn struct {
	names  groupNames
	of     []int32
	number map[string]int32
}

func (g *groupColumn) add(values []string) {
	for _, v := range values {
		n, known := g.number[v]
		if !known {
			n = int32(len(g.names))
			g.number[v] = n
			g.names = append(g.names, v)
		}
		g.of = append(g.of, n)
	}
}

// The groups of the rows are keys that repeat.

func (g *groupColumn) Len() int64            { return int64(len(g.of)) }
func (g *groupColumn) IsInt() bool           { return false }
func (g *groupColumn) Int(i int64) int64     { return int64(g.of[i]) }
func (g *groupColumn) String(i int64) string { return g.names[g.of[i]] }
