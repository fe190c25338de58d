package kernel

// Float is the type of scores.
type Float interface{ float32 | float64 }

// A Panel is the query side of a leaf join: for each tree the query entries
// sorted by leaf, with one coefficient B each. It is filled tree by tree and
// then only read, also from several goroutines.
type Panel[F Float] struct {
	entries int
	start   [][]int32 // per tree: bucket l is [start[l], start[l+1])
	entry   [][]int32
	value   [][]F
}

// NewPanel returns a panel without trees for the given number of entries.
func NewPanel[F Float](entries int) *Panel[F] { return &Panel[F]{entries: entries} }

// Entries returns the number of query entries, the row length of the scores.
func (p *Panel[F]) Entries() int { return p.entries }

// AddTree adds the next tree of the given number of leaves. Entry e sits in
// leaf[e / perRow] and has the coefficient value[e]; entries with coefficient 0
// are left out. The slices are not kept.
func (p *Panel[F]) AddTree(leaves, perRow int, leaf []uint32, value []float64) {
	start := make([]int32, leaves+1)
	used := 0
	for e, v := range value {
		if v != 0 {
			start[leaf[e/perRow]+1]++
			used++
		}
	}
	for l := range leaves {
		start[l+1] += start[l]
	}
	entry, val := make([]int32, used), make([]F, used)
	at := append([]int32(nil), start[:leaves]...)
	for e, v := range value {
		if v != 0 {
			l := leaf[e/perRow]
			entry[at[l]], val[at[l]] = int32(e), F(v)
			at[l]++
		}
	}
	p.start = append(p.start, start)
	p.entry = append(p.entry, entry)
	p.value = append(p.value, val)
}

// AddSums adds the next tree, of the given number of leaves, for entries that
// stand for many query rows: value[l·entries + e] is the coefficient of entry e in
// leaf l. Coefficients of 0 are left out. The slice is not kept.
func (p *Panel[F]) AddSums(leaves int, value []float64) {
	start := make([]int32, leaves+1)
	var entry []int32
	var val []F
	for l := range leaves {
		for e, v := range value[l*p.entries : (l+1)*p.entries] {
			if v != 0 {
				entry, val = append(entry, int32(e)), append(val, F(v))
			}
		}
		start[l+1] = int32(len(entry))
	}
	p.start = append(p.start, start)
	p.entry = append(p.entry, entry)
	p.value = append(p.value, val)
}

// Join adds tree u to the scores s of len(a) rows × entries:
//
//	s[i·entries + e] += a[i]·B[e]   where leaf[i] is the leaf of e
//
// The product is rounded before it is added. Over several trees each score is
// one chain in the order of the calls, so its bits do not depend on how rows
// and entries are cut into tiles.
//
// Cost: one addition per row and entry that share the leaf.
func (p *Panel[F]) Join(u int, leaf []uint32, a []F, s []F) {
	start, entry, value := p.start[u], p.entry[u], p.value[u]
	q := p.entries
	for i, l := range leaf {
		lo, hi := start[l], start[l+1]
		if lo == hi {
			continue
		}
		ai := a[i]
		row := s[i*q : i*q+q]
		b := value[lo:hi]
		for j, e := range entry[lo:hi] {
			row[e] += F(ai * b[j])
		}
	}
}
