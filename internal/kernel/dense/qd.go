package dense

import (
	"math"
	"slices"
)

// A quotients is an upper bidiagonal matrix B, or a block of one on its diagonal, as
// the squares of its numbers. What its sweeps keep are the eigenvalues of Bᵀ·B
// less what has been shifted off them, each to a few units of its own last place.
//
// Source: the differential qd algorithm with shifts of Fernando and Parlett (1994),
// with the criteria of Parlett and Marques (2000). We differ in the choice of
// shifts, which has fewer cases: every remainder of the last sweep is kept, so
// what is found leaves the rest as well informed as it was.
type quotients struct {
	q, e         []float64 // squares of the diagonal and of the numbers right of it
	nextQ, nextE []float64 // what the next sweep makes of them; until then, what the last one read
	rest, least  []float64 // the remainders of the last sweep, and the least up to each
	shift, lost  float64   // what has been taken off the eigenvalues, and its rounding
	swept        bool      // nextQ, nextE, rest and least belong to this block
}

const (
	// qdTolerance is the square of the relative error that leaving a number out may
	// have.
	qdTolerance = (100 * unitRoundoff) * (100 * unitRoundoff)
	// qdFloor is what no quotient matters below, for matrices of numbers near 1.
	qdFloor = 1e-290
	// qdSweepsMost bounds the sweeps for one value; less than three are usual.
	qdSweepsMost = 100
)

// newQuotients returns the squares of a diagonal and of what is right of it.
// Both have one length; the last number of beside has no meaning.
func newQuotients(diagonal, beside []float64) *quotients {
	n := len(diagonal)
	memory := make([]float64, 6*n)
	take := func() []float64 {
		x := memory[:n:n]
		memory = memory[n:]
		return x
	}
	b := &quotients{q: take(), e: take(), nextQ: take(), nextE: take(), rest: take(), least: take()}
	for i, d := range diagonal {
		b.q[i], b.e[i] = d*d, beside[i]*beside[i]
	}
	return b
}

// part returns the block of rows [lo, hi).
func (b *quotients) part(lo, hi int) quotients {
	return quotients{
		q: b.q[lo:hi], e: b.e[lo:hi], nextQ: b.nextQ[lo:hi], nextE: b.nextE[lo:hi],
		rest: b.rest[lo:hi], least: b.least[lo:hi], shift: b.shift, lost: b.lost,
	}
}

// eigenvalues writes the eigenvalues of Bᵀ·B, in no order.
func (b *quotients) eigenvalues(values []float64) error {
	for sweeps := qdSweepsMost * len(values); ; sweeps-- {
		n := b.deflate(values)
		if n == 0 {
			return nil
		}
		if sweeps == 0 {
			return ErrNotConverged
		}
		if cut := b.cut(); cut > 0 {
			left := b.part(0, cut)
			if err := left.eigenvalues(values[:cut]); err != nil {
				return err
			}
			*b = b.part(cut, n)
			values = values[cut:]
			continue
		}
		if b.q[0]*1.5 < b.q[n-1] {
			b.reverse()
		}
		b.step()
	}
}

// deflate finds the values of the last rows as far as these are alone or two, and
// returns how many others there are.
func (b *quotients) deflate(values []float64) int {
	for n := len(b.q); ; {
		switch {
		case n == 0:
			return 0
		case n == 1 || b.negligible(n-2) || b.e[n-2] <= qdTolerance*(b.shift+b.q[n-1]):
			n--
			values[n] = b.shift + (b.q[n] + b.lost)
		case n == 2 || b.negligible(n-3):
			n -= 2
			large, small := b.pair(n)
			values[n], values[n+1] = b.shift+(large+b.lost), b.shift+(small+b.lost)
		default:
			return n
		}
		b.q, b.e, b.nextQ, b.nextE = b.q[:n], b.e[:n], b.nextQ[:n], b.nextE[:n]
	}
}

// negligible reports whether the number between rows i and i+1 may be left out.
func (b *quotients) negligible(i int) bool {
	return b.e[i] <= max(qdFloor, qdTolerance*b.shift) || b.swept && b.nextE[i] <= qdTolerance*b.q[i]
}

// pair returns the eigenvalues of rows i and i+1.
func (b *quotients) pair(i int) (large, small float64) {
	p, q, e := max(b.q[i], b.q[i+1]), min(b.q[i], b.q[i+1]), b.e[i]
	large = 0.5 * (p + q + e + hypotenuse(p-q+e, 2*math.Sqrt(q)*math.Sqrt(e)))
	if large == 0 {
		return 0, 0
	}
	return large, q * (p / large)
}

// cut returns the first row of the last block, or 0 if there is only one.
func (b *quotients) cut() int {
	for i := len(b.q) - 2; i >= 0; i-- {
		if b.negligible(i) {
			return i + 1
		}
	}
	return 0
}

// reverse turns the block upside down, which keeps the eigenvalues. They are found
// from the last row on, the least first, so the small rows should be there.
func (b *quotients) reverse() {
	slices.Reverse(b.q)
	slices.Reverse(b.e[:len(b.q)-1])
	b.swept = false
}

// step shifts the block by what it can bear and sweeps it once.
func (b *quotients) step() {
	n := len(b.q)
	tau := b.bearable()
	for failures := 0; ; failures++ {
		if tau < 0.5*unitRoundoff*b.shift {
			tau = 0
		}
		at := b.sweep(tau)
		if at == n {
			break
		}
		last := b.rest[n-1]
		switch {
		case at == n-1 && b.nextE[n-2] < 100*unitRoundoff*(b.shift+b.rest[n-2]) && -last < 100*unitRoundoff*b.shift:
			// A zero but for rounding.
			b.nextQ[n-1], b.rest[n-1], b.least[n-1] = 0, 0, 0
		case failures >= 2:
			tau = 0
			continue
		case at == n-1:
			// Rutishauser: what failed in the last row only comes close from below.
			tau = max(0, (tau+last)*(1-4*unitRoundoff))
			continue
		default:
			tau *= 0.25
			continue
		}
		break
	}
	sum := tau + b.lost
	shift := b.shift + sum
	b.shift, b.lost = shift, sum-(shift-b.shift)
	b.q, b.nextQ = b.nextQ, b.q
	b.e, b.nextE = b.nextE, b.e
	b.swept = true
}

// sweep computes the quotients of Bᵀ·B − τ·I. It returns the first row whose
// remainder is negative, which ends it, or the number of rows.
func (b *quotients) sweep(tau float64) int {
	q, n := b.q, len(b.q)
	e, nextQ, nextE, rest, least := b.e[:n], b.nextQ[:n], b.nextE[:n], b.rest[:n], b.least[:n]
	d := q[0] - tau
	smallest := d
	for i := 0; i < n-1; i++ {
		if d < 0 {
			return i
		}
		if d < smallest {
			smallest = d
		}
		rest[i], least[i] = d, smallest
		sum := d + e[i]
		ratio := q[i+1] / sum
		nextQ[i], nextE[i] = sum, e[i]*ratio
		d = float64(d*ratio) - tau
	}
	nextQ[n-1], rest[n-1], least[n-1] = d, d, min(d, smallest)
	if d < 0 {
		return n - 1
	}
	return n
}

// bearable returns an estimate from below of the least eigenvalue. An estimate too
// large costs a sweep.
func (b *quotients) bearable() float64 {
	if !b.swept {
		return 0
	}
	n := len(b.q)
	last := b.rest[n-1]
	switch {
	case last > b.least[n-1]:
		return 0.5 * b.least[n-1]
	case b.rest[n-2] == b.least[n-2]:
		return b.lastApart()
	}
	return b.lastAmong()
}

// lastAmong estimates from the vector that the remainder of the last row belongs to.
// Its Rayleigh quotient is rest/(1 + s), with a residual of rest·√s/(1 + s).
func (b *quotients) lastAmong() float64 {
	n := len(b.q)
	last, term, s := b.rest[n-1], 1.0, 0.0
	for i := n - 2; i >= 0 && term >= 0.01*s; i-- {
		term *= b.e[i] / b.q[i]
		s += term
		if s > 0.5 {
			return 0.25 * last
		}
	}
	return last * (1 - math.Sqrt(s)) / (1 + s)
}

// lastApart estimates where the last rows are on their way out: from rows n−1 and n−2
// of B·Bᵀ, with what row n−3 can do to them.
func (b *quotients) lastApart() float64 {
	n := len(b.q)
	last, next := b.rest[n-1], b.q[n-2]+b.e[n-2]
	square, square2 := b.q[n-1]*b.e[n-2], b.q[n-2]*b.e[n-3]
	beside, beside2 := math.Sqrt(square), math.Sqrt(square2)
	gap := next - last - beside - beside2
	if gap2 := float64(0.75*b.least[n-3]) - next; gap2 > beside2 {
		gap = next - last - square2/gap2
	}
	if gap > beside {
		return max(last-square/gap, 0.5*last)
	}
	return max(min(last-beside, next-beside-beside2), last/3)
}
