package dense

import (
	"cmp"
	"math"
	"slices"

	"github.com/infl-dev/infl/internal/kernel"
)

// An origin of an eigenvector says in which half it has numbers other than zero.
type origin uint8

const (
	upper origin = iota
	both
	lower
)

// A merge solves the eigenproblem of
//
//	diag(d) + ρ·u·uᵀ
//
// where d are the eigenvalues of the two halves of a tridiagonal problem and u
// the ends of their eigenvectors that meet, and carries the eigenvectors over.
type merge struct {
	t          *tridiagonal
	d          []float64              // of both halves
	z, scratch kernel.Matrix[float64] // the blocks of both halves
	mid        int                    // the columns of the upper half
	rho        float64
	u          []float64
	from       []origin
	order      []int // to be filled

	kept     []int // rows that take part, by ascending d
	deflated []int // rows that already are eigenvectors
}

// newMerge prepares the merge of rows [lo, mid) and [mid, hi) of a problem with
// beta between the halves.
func newMerge(t *tridiagonal, lo, mid, hi int, beta float64) *merge {
	n := hi - lo
	m := &merge{
		t: t, d: t.d[lo:hi], mid: mid - lo, rho: 2 * math.Abs(beta),
		z: t.z.Block(lo, lo, n, n), scratch: t.scratch.Block(lo, lo, n, n),
		u: make([]float64, n), from: make([]origin, n), order: t.order[lo:hi],
	}
	second := math.Copysign(math.Sqrt2/2, beta)
	for i := range n {
		if i < m.mid {
			m.u[i] = math.Sqrt2 / 2 * m.z.At(i, m.mid-1)
		} else {
			m.from[i] = lower
			m.u[i] = second * m.z.At(i, m.mid)
		}
	}
	m.deflate(mergeOrders(m.d, m.order[:m.mid], m.order[m.mid:], m.mid))
	return m
}

// mergeOrders merges the orders of two halves; the second counts from mid.
func mergeOrders(d []float64, first, second []int, mid int) []int {
	order := make([]int, 0, len(d))
	for len(first) > 0 && len(second) > 0 {
		if d[first[0]] <= d[mid+second[0]] {
			order, first = append(order, first[0]), first[1:]
		} else {
			order, second = append(order, mid+second[0]), second[1:]
		}
	}
	order = append(order, first...)
	for _, i := range second {
		order = append(order, mid+i)
	}
	return order
}

// sortAscending fills order with the order of d; equal values keep theirs.
func sortAscending(order []int, d []float64) {
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(d[i], d[j]) })
}

// deflate splits the rows, which come in the order of d, into those that take
// part and those whose u is negligible. Of two rows whose d hardly differ, a
// rotation makes one u vanish.
func (m *merge) deflate(order []int) {
	for _, i := range order {
		if m.rho*math.Abs(m.u[i]) <= m.t.small {
			m.deflated = append(m.deflated, i)
			continue
		}
		if len(m.kept) > 0 && m.absorb(m.kept[len(m.kept)-1], i) {
			m.deflated = append(m.deflated, m.kept[len(m.kept)-1])
			m.kept = m.kept[:len(m.kept)-1]
		}
		m.kept = append(m.kept, i)
	}
}

// absorb moves the u of row last into row i, where the coupling that the rotation
// causes is negligible.
func (m *merge) absorb(last, i int) bool {
	length := hypotenuse(m.u[last], m.u[i])
	c, s := m.u[i]/length, -m.u[last]/length
	if math.Abs((m.d[i]-m.d[last])*c*s) > m.t.small {
		return false
	}
	m.u[last], m.u[i] = 0, length
	x, y := m.z.Row(last), m.z.Row(i)
	switch {
	case m.from[i] != m.from[last]:
		m.widen(last)
		m.widen(i)
		kernel.Rotate(x, y, c, s)
	case m.from[i] == upper:
		kernel.Rotate(x[:m.mid], y[:m.mid], c, s)
	case m.from[i] == lower:
		kernel.Rotate(x[m.mid:], y[m.mid:], c, s)
	default:
		kernel.Rotate(x, y, c, s)
	}
	dl, di := m.d[last], m.d[i]
	c2, s2 := float64(c*c), float64(s*s)
	m.d[last] = float64(dl*c2) + float64(di*s2)
	m.d[i] = float64(dl*s2) + float64(di*c2)
	return true
}

// widen makes an eigenvector of one half one of both.
func (m *merge) widen(i int) {
	switch m.from[i] {
	case upper:
		clear(m.z.Row(i)[m.mid:])
	case lower:
		clear(m.z.Row(i)[:m.mid])
	}
	m.from[i] = both
}

// run solves what has not deflated and leaves eigenvalues, eigenvectors and their
// order in the tridiagonal problem.
func (m *merge) run(workers int) error {
	k, n := len(m.kept), len(m.d)
	s := newSecular(m)
	if err := s.solve(workers); err != nil {
		return err
	}
	m.compact(workers, s.rows)
	values := make([]float64, n)
	for j := range k {
		values[j] = s.poles[s.near[j]] + s.offset[j]
	}
	for i, row := range m.deflated {
		values[k+i] = m.d[row]
	}
	copy(m.d, values)
	eachRow(workers, n-k, func(i int) { copy(m.z.Row(k+i), m.scratch.Row(k+i)) })
	m.carry(workers, s)
	sortAscending(m.order, m.d)
	return nil
}

// compact copies eigenvectors out of the way: those that take part, in the order
// of rows, each half of them to the top of its columns without its zeros; the
// deflated below them.
func (m *merge) compact(workers int, rows []int) {
	uppers, mixed := m.counts()
	k := len(rows)
	eachRow(workers, len(m.d), func(r int) {
		if r >= k {
			row := m.deflated[r-k]
			if m.from[row] != both {
				m.widen(row)
			}
			copy(m.scratch.Row(r), m.z.Row(row))
			return
		}
		from := m.z.Row(rows[r])
		if r < uppers+mixed {
			copy(m.scratch.Row(r)[:m.mid], from[:m.mid])
		}
		if r >= uppers {
			copy(m.scratch.Row(r - uppers)[m.mid:], from[m.mid:])
		}
	})
}

// counts returns how many of the rows that take part come from the upper half
// only, and how many from both.
func (m *merge) counts() (uppers, mixed int) {
	for _, i := range m.kept {
		switch m.from[i] {
		case upper:
			uppers++
		case both:
			mixed++
		}
	}
	return uppers, mixed
}

// rootsPerProduct is how many eigenvectors of the merged problem are held at a
// time.
const rootsPerProduct = 512

// carry multiplies the eigenvectors of the merged problem by those of the halves.
func (m *merge) carry(workers int, s *secular) {
	k, n := len(m.kept), len(m.d)
	if k == 0 {
		return
	}
	uppers, mixed := m.counts()
	stride := min(k, rootsPerProduct)
	vectors := kernel.NewMatrix[float64](stride, k)
	top := m.scratch.Block(0, 0, uppers+mixed, m.mid)
	bottom := m.scratch.Block(0, m.mid, k-uppers, n-m.mid)
	for first := 0; first < k; first += stride {
		count := min(stride, k-first)
		eachRow(workers, count, func(j int) {
			s.vector(first+j, vectors.Row(j))
			clear(m.z.Row(first + j))
		})
		kernel.GemmNN(workers, vectors.Block(0, 0, count, uppers+mixed), top, m.z.Block(first, 0, count, m.mid))
		kernel.GemmNN(workers, vectors.Block(0, uppers, count, k-uppers), bottom, m.z.Block(first, m.mid, count, n-m.mid))
	}
}
