package gbdt

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// regular holds the regularisation of the leaf values:
//
//	v = −eta·soft(G, l1)/(H + l2 [+ cat]),  soft(G, a) = sign(G)·max(|G| − a, 0)
type regular struct{ l1, l2, cat float64 }

// lambda returns what is added to the Hessian sum of leaf l of tree u.
func (m *Model) lambda(u, l int, reg regular) float64 {
	if c := m.forest.Trees[u].LeafCat; c != nil && c[l] {
		return reg.l2 + reg.cat
	}
	return reg.l2
}

// newton returns −soft(G, l1)/(H + lambda) for leaf number j over all trees; 0
// for a leaf without rows and without lambda.
func (r regular) newton(s *sums, j int, lambda float64) float64 {
	g, d := s.g[j], s.h[j]+lambda
	if d <= 0 || math.Abs(g) <= r.l1 {
		return 0
	}
	if g > 0 {
		return -(g - r.l1) / d
	}
	return -(g + r.l1) / d
}

// gradientRounding bounds what is lost when the library rounds each gradient to
// float32: eight units of 2⁻²⁴. Where positive and negative gradients cancel, the
// leaf value cannot be known better than that share of Σ w|g|/(H + lambda).
const gradientRounding = 0x1p-21

// A deviation is how far the recomputed leaves of one tree are from its own.
type deviation struct {
	worst float64 // largest |recomputed − stored|, less what rounding explains, over the largest |stored|
	leaf  int     // where that is
	found float64 // the recomputed value there
	off   int     // leaves beyond LeafTolerance
}

// treeDeviation compares tree u with the values that s gives. Leaves without
// train rows are not compared: nothing can be said of them.
func (m *Model) treeDeviation(u int, s *sums, reg regular) deviation {
	theta := m.theta[u]
	var d deviation
	if len(theta) == 1 {
		return d
	}
	scale := 0.0
	for l, v := range theta {
		if s.n[m.offset[u]+l] > 0 {
			scale = max(scale, math.Abs(v))
		}
	}
	eta := m.eta[u/m.k]
	for l, v := range theta {
		j := m.offset[u] + l
		if s.n[j] == 0 {
			continue
		}
		lambda := m.lambda(u, l, reg)
		found := eta * reg.newton(s, j, lambda)
		e := math.Abs(found - v)
		if d := s.h[j] + lambda; d > 0 {
			e = max(0, e-gradientRounding*eta*s.abs[j]/d)
		}
		if e > 0 {
			e /= max(scale, math.SmallestNonzeroFloat64)
		}
		if e > LeafTolerance || e != e {
			d.off++
		}
		if e > d.worst || e != e {
			d.worst, d.leaf, d.found = e, l, found
		}
	}
	return d
}

// inferRegular finds the regularisation that the file does not state. It tries
// the simplest first (none, l2, l2 and l1, those and cat_l2) and keeps a simpler
// one unless a richer one comes ten times as near to the leaves: an l2 far below
// the Hessian sums reproduces the leaves to LeafTolerance without being there.
// Each is a least-squares fit
// of −eta·G − v·H = l2·v + cat·v·[categorical leaf] − l1·eta·sign(G) over the
// leaves from iteration from on, rounded to four digits: what a person would
// have typed, as far as float32 gradients let it show.
func (m *Model) inferRegular(s *sums, from int) regular {
	const catDefault = 10 // LightGBM's default cat_l2
	best, bestDev := regular{cat: catDefault}, math.Inf(1)
	for _, free := range [][3]bool{{}, {true}, {true, true}, {true, true, true}} {
		reg := regular{cat: catDefault}
		if free != [3]bool{} {
			var ok bool
			if reg, ok = m.fitRegular(s, from, free, catDefault); !ok {
				continue
			}
		}
		worst := 0.0
		for u := from * m.k; u < len(m.theta); u++ {
			worst = max(worst, m.treeDeviation(u, s, reg).worst)
		}
		if worst < bestDev/10 || worst < bestDev && bestDev > LeafTolerance {
			best, bestDev = reg, worst
		}
		if bestDev <= float32Leaves {
			break
		}
	}
	return best
}

// float32Leaves is how near recomputed leaves come to those of a library that
// sums float32 gradients, relative to the largest leaf of the tree.
const float32Leaves = 1e-6

// fitRegular solves the least squares for the free ones of l2, l1 and cat.
func (m *Model) fitRegular(s *sums, from int, free [3]bool, cat float64) (regular, bool) {
	var cols []int
	for i, f := range free {
		if f {
			cols = append(cols, i)
		}
	}
	p := len(cols)
	a, b := mat.NewSymDense(p, nil), mat.NewVecDense(p, nil)
	for u := from * m.k; u < len(m.theta); u++ {
		if len(m.theta[u]) == 1 {
			continue
		}
		eta := m.eta[u/m.k]
		marks := m.forest.Trees[u].LeafCat
		for l, v := range m.theta[u] {
			j := m.offset[u] + l
			if s.n[j] == 0 || v == 0 {
				continue
			}
			isCat := 0.0
			if marks != nil && marks[l] {
				isCat = 1
			}
			x := [3]float64{v, -math.Copysign(eta, s.g[j]), v * isCat}
			r := float64(-eta*s.g[j]) - float64(v*s.h[j])
			if !free[2] {
				r -= float64(cat * x[2])
			}
			for i, ci := range cols {
				b.SetVec(i, b.AtVec(i)+float64(x[ci]*r))
				for k := i; k < p; k++ {
					a.SetSym(i, k, a.At(i, k)+float64(x[ci]*x[cols[k]]))
				}
			}
		}
	}
	var chol mat.Cholesky
	var sol mat.VecDense
	if !chol.Factorize(a) || chol.SolveVecTo(&sol, b) != nil {
		return regular{}, false
	}
	got := [3]float64{0, 0, cat}
	for i, ci := range cols {
		got[ci] = max(0, digits(sol.AtVec(i), 4))
	}
	return regular{l2: got[0], l1: got[1], cat: got[2]}, true
}
