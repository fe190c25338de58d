package gbdt

import (
	"context"
	"fmt"

	"github.com/infl-dev/infl/influence"
)

// Options choose a variant of an estimator. The zero value is the default.
type Options struct {
	Form Form

	// AllowApproximate lets derivative methods run on a model of verdict
	// approximate or weak.
	AllowApproximate bool

	// LabelEdit asks for the effect of changing a train row's label instead of
	// removing the row; nil asks for the removal.
	LabelEdit *LabelEdit

	// InitialScore is for LeafInfluence.
	InitialScore InitialScore

	// Measure is for TreeSim and InputSim.
	Measure Measure

	// MemoryBytes bounds the adjoints of LeafInfluence; 0 means no limit. Results
	// do not depend on it.
	MemoryBytes int64
}

// BoostIn returns the trace of training of Brophy et al. (2023): how much each
// train row moved the query while the trees were being fitted. queries may be
// nil for jobs with Self. It is an error where the model's verdict does not
// allow derivative methods.
func (m *Model) BoostIn(queries *Queries, o Options) (influence.Scorer, error) {
	return m.joined(queries, o, &boostin{model: m, form: o.Form})
}

// BoostInWeighted is BoostIn with each term divided by the number of train rows
// in the leaf (power 1, BoostInW1) or by its square (power 2, BoostInW2), so that
// leaves that speak for few rows count more. Other powers are an error.
func (m *Model) BoostInWeighted(queries *Queries, power int, o Options) (influence.Scorer, error) {
	if power != 1 && power != 2 {
		return nil, fmt.Errorf("power %d of the leaf counts; use 1 or 2", power)
	}
	return m.joined(queries, o, &boostin{model: m, form: o.Form, power: power})
}

// LeafInfluenceSingle returns the first-order effect of removing a train row
// through its own leaves only (Sharchilev et al. 2018, SinglePoint). queries may
// be nil for jobs with Self. It is an error where the model's verdict does not
// allow derivative methods.
func (m *Model) LeafInfluenceSingle(queries *Queries, o Options) (influence.Scorer, error) {
	return m.joined(queries, o, &leafSingle{model: m, form: o.Form})
}

// LeafSim returns the similarity by shared leaves of Brophy et al. (2023).
// queries may be nil for jobs with Self.
func (m *Model) LeafSim(queries *Queries) influence.Scorer {
	return &joinScorer{model: m, queries: queries, est: &leafSim{model: m, signed: true, method: "leafsim", measure: Dot}}
}

// TreeSim returns the similarity of leaf vectors of Brophy et al. (2023): each
// row is the vector with the entry 1/n_leaf for each leaf that it falls into
// (their kernel lpw). The sign is that of LeafSim, and by the measure Dot so is
// the number. The other measures are computed in float64 and rounded to the job's
// precision. queries may be nil for jobs with Self.
func (m *Model) TreeSim(queries *Queries, measure Measure) influence.Scorer {
	return &joinScorer{model: m, queries: queries, est: &leafSim{model: m, signed: true, method: "treesim", measure: measure.or(Dot)}}
}

func (m *Model) joined(q *Queries, o Options, e editable) (influence.Scorer, error) {
	s, err := m.derivative(q, o, e, e.describe().Method)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// derivative returns the join of an estimator, for a method of the given name, where
// the model's verdict allows derivatives.
func (m *Model) derivative(q *Queries, o Options, e editable, method string) (*joinScorer, error) {
	if !m.report.Usable(o.AllowApproximate) {
		if m.report.Verdict == NotNewton {
			return nil, &influence.UnsupportedError{What: "method " + method + " on renewed leaves", Reason: "their values are no Newton steps", Instead: "use leafsim"}
		}
		return nil, &VerdictError{Method: method, Fidelity: m.report}
	}
	s := &joinScorer{model: m, queries: q, est: e}
	if o.LabelEdit == nil {
		return s, nil
	}
	var err error
	if s.targets, err = m.targets(q, o.LabelEdit); err != nil {
		return nil, err
	}
	// Each new label gets an estimator of its own; this one is there to be asked
	// what it is.
	s.est = e.edit(0)
	return s, nil
}

// A VerdictError says that a derivative method was asked of a model that is
// only approximately understood.
type VerdictError struct {
	Method   string
	Fidelity *Fidelity
}

func (e *VerdictError) Error() string {
	why := ""
	if len(e.Fidelity.Reasons) > 0 {
		why = ": " + e.Fidelity.Reasons[0]
	}
	return fmt.Sprintf("method %s needs a model of verdict exact, this one is %s%s; use leafsim, or --allow-approximate", e.Method, e.Fidelity.Verdict, why)
}

// joinScorer scores by the leaf join.
type joinScorer struct {
	model   *Model
	queries *Queries
	est     estimator
	targets []float64 // label edits: the new label per query row; else nil
}

// Describe implements influence.Scorer for the loss; describeFor fits it to
// another quantity.
func (s *joinScorer) Describe() influence.Description {
	return s.describe(influence.Quantity{})
}

func (s *joinScorer) describe(of influence.Quantity) influence.Description {
	d := s.forQuantity(of).describe()
	if e, ok := s.est.(interface{ editName() string }); ok {
		d = describeEdit(d, of, e.editName())
	}
	return s.model.describe(d, of)
}

// Describe returns the description of a scorer's results for a quantity.
func Describe(s influence.Scorer, of influence.Quantity) influence.Description {
	switch s := s.(type) {
	case *joinScorer:
		return s.describe(of)
	case *reverseScorer:
		return s.describe(of)
	case *inputScorer:
		return s.describe(of)
	case *lcaScorer:
		return s.describe(of)
	}
	return s.Describe()
}

// forQuantity returns the estimator for a quantity: a similarity has no sign
// without the query's label.
func (s *joinScorer) forQuantity(of influence.Quantity) estimator {
	if sim, ok := s.est.(*leafSim); ok {
		c := *sim
		c.signed = of.Kind == influence.Loss
		return &c
	}
	return s.est
}

// describe fills in what follows from the quantity and the verdict.
func (m *Model) describe(d influence.Description, of influence.Quantity) influence.Description {
	if d.PositiveMeans == "" {
		switch of.Kind {
		case influence.Loss:
			d.PositiveMeans = "the train row helps the query: removing it would raise the query's loss"
			d.NegativeMeans = "the train row harms the query: removing it would lower the query's loss"
		default:
			d.PositiveMeans = fmt.Sprintf("the train row pushes the query's %s up", of.Kind)
			d.NegativeMeans = fmt.Sprintf("the train row pushes the query's %s down", of.Kind)
		}
	}
	if d.Unit == "" {
		d.Unit = m.unit(of)
	}
	if m.report.Verdict != Exact {
		for _, r := range m.report.Reasons {
			d.Approximate = append(d.Approximate, fmt.Sprintf("verdict %s: %s", m.report.Verdict, r))
		}
	}
	return d
}

func (m *Model) unit(of influence.Quantity) string {
	name := m.forest.Loss.Name
	switch of.Kind {
	case influence.Probability:
		return "probability"
	case influence.Margin:
		switch {
		case m.loss.Classifier():
			return "log-odds"
		case m.logLink():
			return "log of the prediction"
		}
		return "label"
	}
	return map[string]string{
		"regression": "half squared error", "binary": "log loss", "multiclass": "cross-entropy",
		"multiclassova": "sum of log losses", "poisson": "poisson loss", "gamma": "gamma loss", "tweedie": "tweedie loss",
		"huber": "huber loss", "fair": "fair loss", "cross_entropy": "cross-entropy", "cross_entropy_lambda": "cross-entropy",
		"regression_l1": "absolute error", "quantile": "quantile loss", "mape": "relative absolute error",
	}[name]
}

// seeder returns how the job's quantity becomes coefficients B.
func (s *joinScorer) seeder(of influence.Quantity) (seeder, error) {
	sd, err := newSeeder(s.model.loss, of)
	if s.est.seeding() == noSeed && err == nil && of.Kind != influence.Loss && of.Output == influence.Every {
		sd.perRow = 1
	}
	return sd, err
}

// Layout implements influence.Scorer.
func (s *joinScorer) Layout(j influence.Job) (influence.Layout, error) {
	q := int64(0)
	if s.queries != nil {
		q = s.queries.Rows()
	}
	if err := j.Validate(s.model.Rows(), q); err != nil {
		return influence.Layout{}, err
	}
	l := influence.Layout{Train: j.Train.Len(), NBlock: influence.UnitRows, PerRow: 1, Precision: j.Precision}
	if j.Self {
		if s.targets != nil {
			return l, fmt.Errorf("a label edit is asked about queries, not about train rows themselves")
		}
		if of := j.Of; of.Kind != influence.Loss && of.Output == influence.Every {
			return l, fmt.Errorf("self-influence of every output at once is not offered; name one output")
		}
		l.Query, l.QBlock = 1, 1
		_, err := s.seeder(j.Of)
		return l, err
	}
	if s.queries == nil {
		return l, fmt.Errorf("method %s was made without queries", s.est.describe().Method)
	}
	sd, err := s.seeder(j.Of)
	if err != nil {
		return l, err
	}
	if err := s.queries.check(j.Query, j.Of); err != nil {
		return l, err
	}
	l.PerRow = sd.perRow
	l.Query = j.Query.Len() * int64(sd.perRow)
	if j.Pools != nil {
		l.Query = int64(j.Pools.Count) * int64(sd.perRow)
	}
	l.QBlock = max(l.Query, 1)
	switch {
	case j.Pools != nil && s.est.seeding() == noSeed:
		return l, errNoPools(s.est.describe().Method)
	case j.Pools != nil && s.targets != nil:
		return l, errNoPools("label edits")
	case j.Pools != nil:
		l.Output = sd.poolOutputs(j.Pools.Count)
	case s.est.seeding() != noSeed:
		l.Output = sd.outputs(j.Query, s.queries.class)
	}
	return l, nil
}

// errNoPools says that a method has no result for pools of queries.
func errNoPools(what string) error {
	return &influence.UnsupportedError{What: "pools of queries with " + what, Reason: "its scores of single queries do not add up to that of all", Instead: "score the queries one by one"}
}

// Plan implements influence.Scorer.
func (s *joinScorer) Plan(_ context.Context, j influence.Job) (influence.Plan, error) {
	l, err := s.Layout(j)
	if err != nil {
		return influence.Plan{}, err
	}
	return s.model.forest.Plan(Shape{
		Train: l.Train, Query: l.Query / int64(l.PerRow), PerRow: l.PerRow, Self: j.Self,
		Precision: l.Precision, Workers: s.model.workers,
	}), nil
}
