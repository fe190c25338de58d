package influence

import (
	"errors"
	"fmt"
)

// RepresenterPoints are what the last layer of a classifier saw of the rows.
type RepresenterPoints struct {
	TrainFeatures Vectors // n × d, f_i
	QueryFeatures Vectors // q × d, f_q

	// Alpha are the coefficients α of the train rows, n × K; or, where L2 is above 0,
	// the gradients of their losses with respect to the K logits.
	Alpha Vectors
	L2    float64 // μ of (1/n)·Σ loss + μ/2·‖Θ‖²

	Classes []int // of each query row: which logit is asked about
	Bias    bool  // the features have a 1 at their end that is not in the vectors
}

// Representer returns how much of a query's logit each train row makes:
//
//	I(i, q) = α_{i,c}·⟨f_i, f_q⟩     c the class asked about of query q
//	α_i = −(1/(μ·n))·∂L_i/∂logits
//
// (Yeh, Kim, Yen and Ravikumar 2018, theorem 3.1, whose λ is μ/2.) At a stationary
// point of the layer's loss the scores of all train rows add up to the logit. That the
// gradients are from there is not checked: the sum of a query's scores beside its logit
// tells. The n × q × K values of all classes are never formed; the cost is 2·n·q·(d + K)
// operations.
//
// score > 0 means that the train row pushes the logit up. A row is not asked about
// itself; its importance is the magnitude of its α.
func Representer(p RepresenterPoints, o ProductOptions) (Scorer, error) {
	if err := sameRows(p.TrainFeatures, p.Alpha); err != nil {
		return nil, fmt.Errorf("train features and coefficients: %w", err)
	}
	if !(p.L2 >= 0) || p.L2-p.L2 != 0 {
		return nil, fmt.Errorf("a regularisation of %v; it must be a number that is not negative", p.L2)
	}
	if p.QueryFeatures == nil {
		return nil, errors.New("representer points explain queries; there are none")
	}
	if int64(len(p.Classes)) != p.QueryFeatures.Rows() {
		return nil, fmt.Errorf("%d classes are asked about for %d queries", len(p.Classes), p.QueryFeatures.Rows())
	}
	k := p.Alpha.Cols()
	chosen := make([]float32, len(p.Classes)*k)
	for q, class := range p.Classes {
		if class < 0 || class >= k {
			return nil, fmt.Errorf("query row %d asks about class %d of %d", q, class, k)
		}
		chosen[q*k+class] = 1
	}
	classes, err := VectorsOf(chosen, k)
	if err != nil {
		return nil, err
	}
	weight := 1.0
	if p.L2 > 0 {
		weight = -1 / (p.L2 * float64(max(1, p.TrainFeatures.Rows())))
	}
	s, err := newProduct([]term{{weight: weight, factors: []factor{
		{train: p.Alpha, query: classes},
		{train: p.TrainFeatures, query: p.QueryFeatures, bias: p.Bias},
	}}}, o, Description{
		Method: "representer", Signed: true,
		Source:        "Yeh, Kim, Yen and Ravikumar (2018), theorem 3.1",
		PositiveMeans: "the train row pushes the logit of the query's class up",
		NegativeMeans: "the train row pushes the logit of the query's class down",
		Unit:          "logit",
		Approximate:   []string{"the last layer is taken to be at a stationary point of its loss", "layers before the last one are left out"},
	})
	if err != nil {
		return nil, err
	}
	s.noSelf = "a row is part of its own logit by its class, which is not among the inputs"
	return s, nil
}
