package dense

import (
	"math"

	"github.com/infl-dev/infl/internal/kernel"
)

// A secular equation has the eigenvalues of diag(poles) + ρ·u·uᵀ as roots:
//
//	f(x) = 1/ρ + Σ weights[i]/(poles[i] − x)     weights[i] = u[i]²
//
// Root j lies right of pole j, before the next. It is held as a distance from the
// nearer of these poles, because its distances from all poles must be accurate
// for eigenvectors to be orthogonal.
type secular struct {
	poles, weights []float64 // ascending poles
	inverse        float64   // 1/ρ
	near           []int     // the pole from which a root is measured
	offset         []float64 // how far from there

	rows []int     // the eigenvectors of the poles, those of the same origin together
	pole []float64 // the poles in the order of rows
	u    []float64 // of a problem with exactly these roots, in the order of rows
}

// newSecular returns the equation of what takes part in a merge.
func newSecular(m *merge) *secular {
	k := len(m.kept)
	s := &secular{
		poles: make([]float64, k), weights: make([]float64, k), inverse: 1 / m.rho,
		near: make([]int, k), offset: make([]float64, k),
		rows: make([]int, 0, k), pole: make([]float64, 0, k), u: make([]float64, 0, k),
	}
	for i, row := range m.kept {
		s.poles[i] = m.d[row]
		s.weights[i] = float64(m.u[row] * m.u[row])
	}
	for _, from := range []origin{upper, both, lower} {
		for _, row := range m.kept {
			if m.from[row] == from {
				s.rows = append(s.rows, row)
				s.pole = append(s.pole, m.d[row])
				s.u = append(s.u, m.u[row])
			}
		}
	}
	return s
}

// rootsPerBlock is how many roots, or numbers of u, a worker takes at a time.
const rootsPerBlock = 32

// solve finds all roots and then the u that has them exactly (Gu and Eisenstat,
// 1995): its eigenvectors, which are explicit, are orthogonal to working accuracy
// however close roots are.
func (s *secular) solve(workers int) error {
	k := len(s.poles)
	blocks := (k + rootsPerBlock - 1) / rootsPerBlock
	lost := make([]bool, blocks)
	each(workers, blocks, func(b int) {
		for j := b * rootsPerBlock; j < min(k, (b+1)*rootsPerBlock); j++ {
			if !s.root(j) {
				lost[b] = true
			}
		}
	})
	for _, l := range lost {
		if l {
			return ErrNotConverged
		}
	}
	each(workers, blocks, func(b int) {
		lo := b * rootsPerBlock
		s.exactU(lo, min(k, lo+rootsPerBlock))
	})
	return nil
}

// exactU replaces numbers [lo, hi) of u, up to a common factor, by
//
//	u[i]² = Π (root[j] − pole[i]) / Π (poles[j] − pole[i])
//
// where the second product leaves out the pole itself.
func (s *secular) exactU(lo, hi int) {
	pole := s.pole[lo:hi]
	product := make([]float64, hi-lo)
	for i := range product {
		product[i] = 1
	}
	for j, p := range s.poles {
		kernel.PoleRatios(product, pole, s.poles[s.near[j]], s.offset[j], p)
	}
	for i, p := range product {
		s.u[lo+i] = math.Copysign(math.Sqrt(math.Abs(p)), s.u[lo+i])
	}
}

// vector writes the eigenvector of root j, of length 1, in the order of rows.
func (s *secular) vector(j int, v []float64) {
	square := kernel.PoleQuotients(v, s.u, s.pole, s.poles[s.near[j]], s.offset[j])
	scale := 1 / math.Sqrt(square)
	for i := range v {
		v[i] *= scale
	}
}

// A point is f at a distance from a pole: the sums over the poles up to root j and
// beyond it, and their derivatives.
type point struct {
	f, left, leftSlope, right, rightSlope float64
}

// at evaluates f at the given offset from a pole.
func (s *secular) at(j, near int, offset float64) point {
	var p point
	p.left, p.leftSlope = kernel.PoleSums(s.poles[:j+1], s.weights[:j+1], s.poles[near], offset)
	p.right, p.rightSlope = kernel.PoleSums(s.poles[j+1:], s.weights[j+1:], s.poles[near], offset)
	p.f = s.inverse + p.left + p.right
	return p
}

// stepsMost bounds the steps to a root; four are usual.
const stepsMost = 200

// root finds root j by the step of a model that has the nearest two poles and
// matches f and the slope of its parts (Bunch, Nielsen and Sorensen, 1978), inside
// a bracket that is halved where a step leaves it. It reports whether it did.
func (s *secular) root(j int) bool {
	k := len(s.poles)
	last := j == k-1
	var lo, hi float64 // offsets from the near pole between which f changes sign
	near := j
	if last {
		for _, w := range s.weights {
			hi += w / s.inverse
		}
	} else {
		hi = s.poles[j+1] - s.poles[j]
	}
	offset := hi / 2
	p := s.at(j, near, offset)
	switch {
	case p.f >= 0:
		hi = offset
	case last:
		lo = offset
	default:
		near, lo, hi = j+1, offset-hi, 0
		offset = lo
	}
	for range stepsMost {
		noise := s.inverse + float64(8*(math.Abs(p.left)+math.Abs(p.right))) + float64(math.Abs(offset)*(p.leftSlope+p.rightSlope))
		if math.Abs(p.f) <= unitRoundoff*noise {
			break
		}
		if p.f < 0 {
			lo = offset
		} else {
			hi = offset
		}
		next := offset + s.step(j, near, offset, p)
		if !(next > lo && next < hi) {
			next = between(lo, hi)
		}
		if next == offset || next <= lo || next >= hi {
			break
		}
		offset = next
		p = s.at(j, near, offset)
	}
	s.near[j], s.offset[j] = near, offset
	return p.f == p.f
}

// step returns how far the root of the model is from the offset.
func (s *secular) step(j, near int, offset float64, p point) float64 {
	distance := func(i int) float64 { return (s.poles[i] - s.poles[near]) - offset }
	if j < len(s.poles)-1 {
		a, b := distance(j), distance(j+1)
		return twoPoleRoot(
			p.f-float64(a*p.leftSlope)-float64(b*p.rightSlope),
			float64((a+b)*p.f)-float64(a*b*(p.leftSlope+p.rightSlope)),
			a*b*p.f, false)
	}
	b := distance(j)
	if j == 0 {
		return b * p.f / (p.f - float64(b*p.leftSlope))
	}
	// Right of all poles: the last one is taken as it is, the others together.
	a, own := distance(j-1), s.weights[j]/b/b
	others := p.leftSlope - own
	return twoPoleRoot(
		p.f-float64(a*others)-float64(b*own),
		float64((a+b)*p.f)-float64(a*b*p.leftSlope),
		a*b*p.f, true)
}

// twoPoleRoot returns the root of c·h² − b·h + e that lies between the poles of
// the model, or beyond them.
func twoPoleRoot(c, b, e float64, beyond bool) float64 {
	root := math.Sqrt(max(0, float64(b*b)-float64(4*c*e)))
	if beyond {
		if b >= 0 {
			return (b + root) / (2 * c)
		}
		return 2 * e / (b - root)
	}
	if b <= 0 {
		return (b - root) / (2 * c)
	}
	return 2 * e / (b + root)
}

// between returns a point of a bracket: by ratio where its ends are far apart
// and of one sign, else in the middle.
func between(lo, hi float64) float64 {
	if lo > 0 && hi/lo > 4 || hi < 0 && lo/hi > 4 {
		return math.Copysign(math.Sqrt(math.Abs(lo))*math.Sqrt(math.Abs(hi)), lo)
	}
	return lo + (hi-lo)/2
}
