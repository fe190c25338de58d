package influence

import (
	"context"
	"errors"
	"fmt"
)

// RepresenterPoints are what the last layer of a classifier saw of the rows.
type RepresenterPoints struct {
	TrainFeatures Vectors // n × d, f_i
	QueryFeatures Vectors // q × d, f_q

	// One of these says what the coefficients α are; each is n × K.
	Alpha     Vectors // α themselves
	Gradients Vectors // of the losses with respect to the logits, at a stationary point
	Logits    Vectors // of the model: the layer is fitted to its own probabilities

	L2   float64 // μ of (1/n)·Σ loss + μ/2·‖Θ‖²; not used with Alpha
	Bias Bias    // with a PenalisedBias the features have a 1 at their end that is not in the vectors

	Classes []int // of each query row: which logit is asked about
}

// A RepresenterScorer is what [Representer] returns.
type RepresenterScorer struct {
	*productScorer
	layer *stationaryLayer // nil where coefficients are given
}

// Representer returns how much of a query's logit each train row makes:
//
//	I(i, q) = α_{i,c}·⟨f_i, f_q⟩     c the class asked about of query q
//	α_i = −(1/(μ·n))·∂L_i/∂logits
//
// (Yeh, Kim, Yen and Ravikumar 2018, theorem 3.1, whose λ is μ/2), where Θ = Σ_i α_i·f_iᵀ
// is the last layer at the minimum of its regularised cross-entropy. With Logits that
// minimum is found: the targets are the softmax of the logits, so that the layer says
// what the model says, and a Newton method ends where no slope is above 1e-10. Gradients
// must be from such a minimum for labels of one class each; that is checked, and a
// [NotStationaryError] where it is not so. Alpha is taken as it is.
//
// The scores of all train rows add up to the query's logit, a FreeBias left out. The
// n × q × K values of all classes are never formed; the cost is 2·n·q·(d + K) operations
// beside those of the fit: 4·n·d·K and a read of the features for each of its steps, and
// 16·n·K bytes.
//
// score > 0 means that the train row pushes the logit up. A row is not asked about
// itself; its importance is the magnitude of its α.
func Representer(p RepresenterPoints, o ProductOptions) (*RepresenterScorer, error) {
	alpha, layer, err := p.coefficients(o)
	if err != nil {
		return nil, err
	}
	if p.QueryFeatures == nil {
		return nil, errors.New("representer points explain queries; there are none")
	}
	if int64(len(p.Classes)) != p.QueryFeatures.Rows() {
		return nil, fmt.Errorf("%d classes are asked about for %d queries", len(p.Classes), p.QueryFeatures.Rows())
	}
	k := alpha.Cols()
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
	weight, approximate := 1.0, "the coefficients are taken as they are"
	switch {
	case p.Gradients != nil:
		weight = -1 / (p.L2 * float64(max(1, p.TrainFeatures.Rows())))
		approximate = "the last layer is taken to be at a stationary point of its loss"
	case p.Logits != nil:
		approximate = "the last layer is fitted again, to the model's own probabilities"
	}
	s, err := newProduct([]term{{weight: weight, factors: []factor{
		{train: alpha, query: classes},
		{train: p.TrainFeatures, query: p.QueryFeatures, bias: p.Bias == PenalisedBias},
	}}}, o, Description{
		Method: "representer", Signed: true,
		Source:        "Yeh, Kim, Yen and Ravikumar (2018), theorem 3.1",
		PositiveMeans: "the train row pushes the logit of the query's class up",
		NegativeMeans: "the train row pushes the logit of the query's class down",
		Unit:          "logit",
		Approximate:   []string{approximate, "layers before the last one are left out"},
	})
	if err != nil {
		return nil, err
	}
	s.noSelf = "a row is part of its own logit by its class, which is not among the inputs"
	return &RepresenterScorer{s, layer}, nil
}

// coefficients returns what stands for α, and the layer that has to be stationary for
// it.
func (p RepresenterPoints) coefficients(o ProductOptions) (Vectors, *stationaryLayer, error) {
	given, rows := 0, Vectors(nil)
	for _, v := range []Vectors{p.Alpha, p.Gradients, p.Logits} {
		if v != nil {
			given, rows = given+1, v
		}
	}
	if given != 1 {
		return nil, nil, fmt.Errorf("representer points need coefficients, gradients or logits: one of them, not %d", given)
	}
	if err := sameRows(p.TrainFeatures, rows); err != nil {
		return nil, nil, fmt.Errorf("train features and what their coefficients are made of: %w", err)
	}
	if p.Alpha != nil {
		return p.Alpha, nil, nil
	}
	if rows.Cols() < 2 {
		return nil, nil, errors.New("the last layer has one output; give the logits or gradients of two, 0 and the output's, or the coefficients")
	}
	if !(p.L2 > 0) || p.L2-p.L2 != 0 {
		return nil, nil, fmt.Errorf("a regularisation of %v; representer points need one above 0", p.L2)
	}
	if p.Gradients != nil && p.Bias == FreeBias {
		return nil, nil, errors.New("gradients do not tell a bias that is not regularised; give the logits, or the coefficients")
	}
	layer := newStationaryLayer(p, o)
	return layer, layer, nil
}

// Stationarity says how far the last layer is from the minimum of its loss, and returns
// a [NotStationaryError] where that is too far. The first call reads the features. Where
// coefficients are given nothing is known, and known is false.
func (s *RepresenterScorer) Stationarity(ctx context.Context) (found Stationarity, known bool, err error) {
	if s.layer == nil {
		return found, false, nil
	}
	found, err = s.layer.settle(ctx)
	return found, true, err
}
