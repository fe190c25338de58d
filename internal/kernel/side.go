package kernel

// A side is a factor as a product sees it: n vectors of k numbers, of which
// number l of vector i is data[i·across + l·along]. The left side has a vector
// for each row of C, the right side one for each column. One of across and
// along is 1.
type side[F Float] struct {
	data          []F
	n, k          int
	across, along int
}

// rows takes the rows of a matrix as vectors. It fills s in place: for small
// products copies of it are what takes the time.
func (s *side[F]) rows(m *Matrix[F]) {
	m.check()
	s.data = m.Data
	s.n, s.k = m.Rows, m.Cols
	s.across, s.along = m.Stride, 1
}

// cols takes the columns of a matrix as vectors.
func (s *side[F]) cols(m *Matrix[F]) {
	m.check()
	s.data = m.Data
	s.n, s.k = m.Cols, m.Rows
	s.across, s.along = 1, m.Stride
}

// rowsOf returns the rows of a matrix.
func rowsOf[F Float](m *Matrix[F]) (s side[F]) {
	s.rows(m)
	return s
}

// colsOf returns the columns of a matrix.
func colsOf[F Float](m *Matrix[F]) (s side[F]) {
	s.cols(m)
	return s
}

// part takes numbers [l, l+k) of vectors [i, i+n).
func (s side[F]) part(i, n, l, k int) side[F] {
	return side[F]{s.data[i*s.across+l*s.along:], n, k, s.across, s.along}
}

// pack copies the vectors into strips of width: number l of vector i becomes
//
//	dst[(i / width)·width·k + l·width + i mod width]
//
// What the last strip has beyond the last vector stays undefined, and so do up to
// slack numbers behind it, which dst must have; none where width is a multiple of
// lanes.
func (g *gemmKernels[F]) pack(dst []F, width int, s side[F]) {
	if s.across == 1 {
		g.packColumns(dst, width, s)
		return
	}
	for i := 0; i < s.n; i += width {
		g.transposeStrip(dst[i*s.k:], width, s.part(i, min(width, s.n-i), 0, s.k))
	}
}

// packColumns packs vectors of which the numbers of one step are neighbours.
func (g *gemmKernels[F]) packColumns(dst []F, width int, s side[F]) {
	// spread reads more than a strip where registers do not end with it: that
	// must exist. The last step would leave it unrepaired.
	fast := 0
	if g.spread != nil && s.k > 1 {
		fast = max(0, s.n-(roundUp(width, g.wide)-width)) / width
	}
	if fast > 0 {
		g.spread(s.k-1, fast, dst, width*s.k, s.data, s.along, width)
	}
	for l := range s.k {
		row, from := s.data[l*s.along:][:s.n], fast*width
		if l == s.k-1 {
			from = 0
		}
		for i := from; i < s.n; i += width {
			copy(dst[i*s.k+l*width:], row[i:min(i+width, s.n)])
		}
	}
}

// transposeStrip writes number l of vector i to dst[l·stride + i], for vectors
// whose numbers are neighbours. It may spill beyond the last vector, up to a
// multiple of lanes: the last vectors come first, so that those before them
// repair what they spill.
func (g *gemmKernels[F]) transposeStrip(dst []F, stride int, s side[F]) {
	if s.k < g.lanes || g.transpose == nil {
		for i := range s.n {
			for l, v := range s.data[i*s.across:][:s.k] {
				dst[l*stride+i] = v
			}
		}
		return
	}
	for i := (s.n - 1) / g.lanes * g.lanes; i >= 0; i -= g.lanes {
		g.transpose(dst[i:], stride, s.data[i*s.across:], s.across, min(g.lanes, s.n-i), s.k)
	}
}
