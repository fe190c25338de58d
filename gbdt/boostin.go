package gbdt

import "github.com/infl-dev/infl/influence"

// boostin is the trace of training: how far row i moved the query, summed over
// the moments at which the trees were added.
//
//	A = w(η·g + θ·h)/D,  B = dL/dF(q) at the margins before the tree
//
// Source: Brophy, Hammoudeh, Lowd, "Adapting and evaluating influence-estimation
// methods for gradient-boosted decision trees", JMLR 24 (2023), BoostIn. Their
// code multiplies the already shrunk θ by η once more; the compat form does so
// too, A = w·η(g + θ·h)/D, and the exact form does not.
type boostin struct {
	model *Model
	form  Form
	power int // A is divided by n_leaf^power: 1 and 2 are BoostInW1 and BoostInW2
	a     [][]float64
}

func (b *boostin) clone() estimator {
	return &boostin{model: b.model, form: b.form, power: b.power, a: scratch(b.model.k)}
}
func (b *boostin) second() bool     { return false }
func (b *boostin) seeding() seeding { return runningSeed }

func (b *boostin) describe() influence.Description {
	return influence.Description{
		Method: [...]string{"boostin", "boostin-w1", "boostin-w2"}[b.power],
		Form:   b.form.String(),
		Source: "Brophy, Hammoudeh, Lowd, JMLR 24 (2023), BoostIn; exact form: eta once, as the derivative has it",
		Approximate: []string{
			"a trace of training, not an estimate of leaving the row out: the effect of a row on later trees is not followed",
		},
		Signed: true,
	}
}

func (b *boostin) coefficients(r *rowBlock, t int) [][]float64 {
	m := b.model
	eta := m.eta[t]
	for c := range b.a {
		u := t*m.k + c
		theta, off := m.theta[u], m.offset[u]
		a, g, h := b.a[c][:r.m], r.d.G[c], r.d.H[c]
		for i, l := range r.leaf[c] {
			j := off + int(l)
			if !m.active[j] {
				a[i] = 0
				continue
			}
			v := float64(eta*g[i]) + float64(theta[l]*h[i])
			if b.form == CompatForm {
				v = eta * (g[i] + float64(theta[l]*h[i]))
			}
			a[i] = r.w[i] * v / (m.denom[j] * b.share(m.count[j]))
		}
	}
	return cut(b.a, r.m)
}

// share is n_leaf^power.
func (b *boostin) share(n int64) float64 {
	v := 1.0
	for range b.power {
		v *= float64(max(n, 1))
	}
	return v
}
