package kernel

//go:generate go -C _gen run . -family rows -out ../rows_amd64.s -stubs ../rows_stubs_amd64.go -pkg kernel

// AddRows adds to each row of s, of width numbers, a multiple of the row of v
// that its leaf names:
//
//	s[i·width + j] += a[i]·v[leaf[i]·width + j]
//
// The product is rounded before it is added.
func AddRows(leaf []uint32, a, v, s []float64, width int) {
	n := len(leaf)
	if n == 0 || width == 0 {
		return
	}
	_, _ = a[:n], s[:n*width]
	mustName(leaf, len(v)/width)
	if !addRowsVector(leaf, a, v, s, width) {
		addRowsGeneric(leaf, a, v, s, width)
	}
}

// PullRows moves each row of s, of width numbers, against a multiple of the row
// of v that from names, and adds what it becomes to the row of sum that to
// names:
//
//	s[i·width + j] −= a[i]·v[from[i]·width + j]
//	sum[to[i]·width + j] += s[i·width + j]
//
// in the order of the rows. The product is rounded before it is taken away.
// The slices must not overlap.
func PullRows(from, to []uint32, a, v, s, sum []float64, width int) {
	n := len(from)
	if n == 0 || width == 0 {
		return
	}
	_, _, _ = to[:n], a[:n], s[:n*width]
	mustName(from, len(v)/width)
	mustName(to[:n], len(sum)/width)
	if !pullRowsVector(from, to, a, v, s, sum, width) {
		pullRowsGeneric(from, to, a, v, s, sum, width)
	}
}

// PullRowsShared is PullRows for outputs that share something: what takes s[i]
// down is less by p[i] of the row of total,
//
//	s[i·width + j] −= a[i]·v[from[i]·width + j] − p[i]·total[i·width + j]
//	sum[to[i]·width + j] += s[i·width + j]
//
// Both products are rounded before they meet.
func PullRowsShared(from, to []uint32, a, v, p, total, s, sum []float64, width int) {
	n := len(from)
	if n == 0 || width == 0 {
		return
	}
	_, _, _, _, _ = to[:n], a[:n], p[:n], total[:n*width], s[:n*width]
	mustName(from, len(v)/width)
	mustName(to[:n], len(sum)/width)
	if !pullRowsSharedVector(from, to, a, v, p, total, s, sum, width) {
		pullRowsSharedGeneric(from, to, a, v, p, total, s, sum, width)
	}
}

// mustName panics where an index is not below rows: the vector forms do not look.
func mustName(index []uint32, rows int) {
	most := uint32(0)
	for _, i := range index {
		most = max(most, i)
	}
	if int64(most) >= int64(rows) {
		panic("kernel: a leaf beyond the last row")
	}
}
