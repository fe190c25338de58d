package gbdt

import "github.com/infl-dev/infl/influence"

// leafSingle estimates what removing row i would do, to first order at a fixed
// structure, following the row's own later gradients but nobody else's:
//
//	dv = −w[(η·g + θ·h) + (η·dg/dF + θ·dh/dF)·j]/D,  j ← j + dv
//	A = −dv,  B = dL/dF(q) at the end of training
//
// j starts at 0 and is the row's own shift of margin so far, for each output on
// its own.
//
// Source: Sharchilev, Ustinovskiy, Serdyukov, de Rijke, "Finding influential
// training samples for gradient boosted decision trees", ICML 2018,
// LeafInfluence with the SinglePoint update set. tree_influence has h in place
// of dg/dF, which differs where the library's h is not the derivative of g; so
// does the compat form.
type leafSingle struct {
	model *Model
	form  Form
	a, j  [][]float64
}

func (s *leafSingle) clone() estimator {
	return &leafSingle{model: s.model, form: s.form, a: scratch(s.model.k), j: scratch(s.model.k)}
}
func (s *leafSingle) second() bool     { return true }
func (s *leafSingle) seeding() seeding { return finalSeed }

func (s *leafSingle) describe() influence.Description {
	one := 1.0
	d := influence.Description{
		Method:    "leafinfluence-single",
		Form:      s.form.String(),
		Source:    "Sharchilev, Ustinovskiy, Serdyukov, de Rijke, ICML 2018, LeafInfluence (SinglePoint); exact form: dg/dF where the original has h",
		LOOFactor: &one,
		Approximate: []string{
			"first order in the weight of the row, at the trees' fixed structure",
			"the effect through other train rows is left out",
			"the initial score is held fixed",
		},
		Signed: true,
	}
	if s.model.k > 1 {
		d.Approximate = append(d.Approximate, "effects between classes are left out")
	}
	return d
}

func (s *leafSingle) coefficients(r *rowBlock, t int) [][]float64 {
	m := s.model
	eta := m.eta[t]
	for c := range s.a {
		u := t*m.k + c
		theta, off := m.theta[u], m.offset[u]
		a, shift := s.a[c][:r.m], s.j[c][:r.m]
		if t == 0 {
			clear(shift)
		}
		g, h, dg, dh := r.d.G[c], r.d.H[c], r.d.DG[c], r.d.DH[c]
		if s.form == CompatForm {
			dg = h
		}
		for i, l := range r.leaf[c] {
			j := off + int(l)
			if !m.active[j] {
				a[i] = 0
				continue
			}
			own := float64(eta*g[i]) + float64(theta[l]*h[i])
			later := float64(eta*dg[i]) + float64(theta[l]*dh[i])
			v := r.w[i] * (own + float64(later*shift[i])) / m.denom[j]
			a[i] = v
			shift[i] -= v
		}
	}
	return cut(s.a, r.m)
}
