package ekfac

import (
	"errors"
	"fmt"

	"github.com/infl-dev/infl/influence"
)

// ScoreOptions say which curvature is inverted, and how. Where the Rank is above 0, what
// the inverse makes of the gradient of a query is approximated in each module by the
// nearest matrix of that rank: exactly where the smaller side of the module has up to 512
// numbers, and in the form compat; elsewhere by a random sketch, drawn by Seed.
type ScoreOptions struct {
	influence.CurvatureOptions
	Strategy Strategy // "" means what the factors were fitted for
	Form     Form     // "" means Exact

	// Directed has the scorer know the directions of its queries among the weights, see
	// [influence.Directions]. Otherwise it may stay in the eigenbases.
	Directed bool
}

// Scores returns influence functions with the inverse of a fitted curvature: for
// gradients a of train rows and b of query rows, module by module,
//
//	I(i, q) = Σ over modules  ⟨b_q·H⁻¹, a_i⟩     self: ⟨a_i·H⁻¹, a_i⟩
//
// (Grosse et al. 2023, equation 20, sign turned: a score > 0 says that the train row helps
// the query). Removing train row i changes the query's loss by about I/n, for n train
// rows. The blocks of the checkpoint are the gradients of modules, as names lists them;
// the factors must stay open while scores are computed. Factors may be nil for
// [Identity], to which no damping is added.
//
// Each query goes through the inverse once, in float64, at a cost of
// 4·out·in·(out + in) operations in a module; or the rows of both sides are rotated into
// the eigenbases in the type of the gradients, at 2·(out² + in²) each, where these are
// [influence.OuterSums] and that is less. Gradients of train rows that are one outer
// product are not formed, and what such a row has to do with itself is a sum of products of
// squares, in float64. The rest is as [influence.Dot] has it.
func Scores(f *Factors, c influence.Checkpoint, names []string, o ScoreOptions) (influence.Scorer, error) {
	inverses := make([]influence.Inverse, len(c.Train))
	if o.Strategy != Identity {
		found, withDefaults, err := inversesOf(f, c, names, o)
		if err != nil {
			return nil, err
		}
		o = withDefaults
		for l, v := range found {
			inverses[l] = v.cutTo(o)
		}
		if o.Strategy != Diagonal && !o.Directed && o.Remove == nil && c.Scored == nil {
			c = inEigenbases(c, inverses, o.Workers)
		}
	}
	d := describe(f, o)
	if o.Strategy != Identity {
		d.Approximate = append(d.Approximate, "damping: "+o.Damping.String())
	}
	if o.Rank > 0 {
		d.Approximate = append(d.Approximate, fmt.Sprintf("queries have rank %d in each module", o.Rank))
	}
	return influence.WithInverses(c, inverses, d, o.CurvatureOptions)
}

// inversesOf returns the inverse for each block, and the options with their defaults.
func inversesOf(f *Factors, c influence.Checkpoint, names []string, o ScoreOptions) ([]*Inverse, ScoreOptions, error) {
	if f == nil {
		return nil, o, errors.New("influence through a curvature needs factors")
	}
	if o.Strategy == "" {
		o.Strategy = f.Method()
	}
	if len(names) != len(c.Train) {
		return nil, o, fmt.Errorf("%d blocks of gradients have %d names of modules", len(c.Train), len(names))
	}
	if err := f.serves(o.Strategy); err != nil {
		return nil, o, err
	}
	inverses := make([]*Inverse, len(names))
	for l, name := range names {
		v, err := f.Inverse(name, o.Strategy, o.Form, o.Damping, o.Workers)
		if err != nil {
			return nil, o, err
		}
		if v.out*v.in != c.Train[l].Cols() {
			return nil, o, fmt.Errorf("module %q: gradients have %d numbers, its factors are of %d × %d", name, c.Train[l].Cols(), v.out, v.in)
		}
		inverses[l] = v
	}
	return inverses, o, nil
}

// describe says what the scores are.
func describe(f *Factors, o ScoreOptions) influence.Description {
	d := influence.Description{Method: string(o.Strategy), Form: string(Exact), Approximate: []string{}}
	if o.Form != "" {
		d.Form = string(o.Form)
	}
	switch o.Strategy {
	case Identity:
		d.Source = "the inner product of gradients"
		d.Approximate = append(d.Approximate, "the curvature is the identity")
		return d
	case Diagonal:
		d.Source = "Grosse et al. (2023), equation 20, sign turned, with the mean squares of gradients as the curvature"
	case KFAC:
		d.Source = "Grosse et al. (2023), equation 20, sign turned; Martens and Grosse (2015)"
	case TKFAC:
		d.Source = "Grosse et al. (2023), equation 20, sign turned; Gao et al. (2020), TKFAC"
	default:
		d.Source = "Grosse et al. (2023), equation 20, sign turned; George et al. (2018)"
	}
	d.Approximate = append(d.Approximate,
		"modules do not interact: the curvature is one block for each",
		fmt.Sprintf("the curvature is %s, fitted to %d examples", describeStrategy[o.Strategy], f.examples()))
	return d
}

var describeStrategy = map[Strategy]string{
	Diagonal: "diagonal", KFAC: "a Kronecker product", TKFAC: "a Kronecker product scaled to its trace",
	EKFAC: "a Kronecker product with corrected eigenvalues",
}

// examples is how many examples were fitted.
func (f *Factors) examples() int64 {
	if len(f.head.Modules) == 0 {
		return 0
	}
	return f.head.Modules[0].Examples
}
