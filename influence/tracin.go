package influence

import (
	"errors"
	"fmt"
)

// A Checkpoint is the gradients of the rows at one moment of training.
type Checkpoint struct {
	// Train and Query are the gradients of each layer, in the same order: n and q
	// vectors. Query is nil for self jobs.
	Train, Query []Vectors

	// Scored are vectors of the same layers that are scored in the place of the train
	// rows: the parts that single tokens have in their gradients. nil for the train rows.
	// Methods that are no sums over layers refuse them.
	Scored []Vectors

	Rate float64 // what the checkpoint counts: its learning rate
}

// validate lists what is wrong with the checkpoint.
func (c Checkpoint) validate() error {
	var errs []error
	if len(c.Train) == 0 {
		errs = append(errs, errors.New("there are no train gradients"))
	}
	if c.Query != nil && len(c.Query) != len(c.Train) {
		errs = append(errs, fmt.Errorf("%d layers have train gradients, %d query gradients", len(c.Train), len(c.Query)))
	}
	if c.Scored != nil && len(c.Scored) != len(c.Train) {
		errs = append(errs, fmt.Errorf("%d layers have train gradients, %d what is scored in their place", len(c.Train), len(c.Scored)))
	}
	if c.Rate-c.Rate != 0 {
		errs = append(errs, fmt.Errorf("a learning rate of %v", c.Rate))
	}
	return errors.Join(errs...)
}

// query returns the query side of a layer, or nil.
func (c Checkpoint) query(layer int) Vectors {
	if c.Query == nil {
		return nil
	}
	return c.Query[layer]
}

// scored returns what is scored of a layer.
func (c Checkpoint) scored(layer int) Vectors {
	if c.Scored == nil {
		return c.Train[layer]
	}
	return c.Scored[layer]
}

// joined returns the gradients of all layers as one vector for each row.
func (c Checkpoint) joined() (factor, error) {
	var f factor
	var err error
	if c.Scored != nil {
		return f, &UnsupportedError{What: "scoring parts of rows by a cosine", Reason: "it is no sum over parts"}
	}
	if f.train, err = Concat(c.Train...); err != nil || c.Query == nil {
		return f, err
	}
	f.query, err = Concat(c.Query...)
	return f, err
}

// TracIn returns how far steps of gradient descent on a train row moved the loss of a
// query, to first order, at the checkpoints c with learning rates w_c:
//
//	I(i, q) = Σ_c w_c·⟨∇L_i(θ_c), ∇L_q(θ_c)⟩     self: Σ_c w_c·‖∇L_i(θ_c)‖²
//
// (Pruthi, Liu, Kale and Sundararajan 2020, equation 3). Gradients are those of a
// row's loss, summed over its positions. With cosine the inner product is the cosine
// between the gradients of all layers. Layers whose gradients are [Outer] products are
// not formed: each costs 2·n·q·(d + K) operations then, and pools are refused. The sum runs over checkpoints and layers in
// order, in the job's precision; everything else is as [Dot] has it.
func TracIn(checkpoints []Checkpoint, cosine bool, o ProductOptions) (Scorer, error) {
	var terms []term
	for i, c := range checkpoints {
		if err := c.validate(); err != nil {
			return nil, fmt.Errorf("checkpoint %d: %w", i, err)
		}
		if cosine {
			f, err := c.joined()
			if err != nil {
				return nil, fmt.Errorf("checkpoint %d: %w", i, err)
			}
			terms = append(terms, term{weight: c.Rate, unit: true, factors: []factor{f}})
			continue
		}
		for l := range c.Train {
			terms = append(terms, term{weight: c.Rate, layer: l, factors: productOf(c.scored(l), c.query(l))})
		}
	}
	return newProduct(terms, o, tracinDescription("tracin", cosine, "the gradients of all checkpoints in between are left out"))
}

func tracinDescription(method string, cosine bool, approximate ...string) Description {
	d := lossDescription(method)
	d.Source = "Pruthi, Liu, Kale and Sundararajan (2020), TracInCP, equation 3"
	d.Unit, d.Approximate = "loss", approximate
	if cosine {
		d.Source += "; cosine of the gradients instead of their inner product"
		d.Unit = "cosine, times the learning rates"
	}
	return d
}

// lossDescription is what all scores of losses have in common.
func lossDescription(method string) Description {
	return Description{
		Method: method, Signed: true,
		PositiveMeans: "the train row helps the query: removing it would raise the query's loss",
		NegativeMeans: "the train row harms the query: removing it would lower the query's loss",
		Approximate:   []string{},
	}
}

// A LastLayer is what the last layer of a model saw of the rows at a checkpoint: its
// inputs, and the gradients of the losses with respect to its outputs.
type LastLayer struct {
	TrainInputs, TrainGradients Vectors // n × d and n × K
	QueryInputs, QueryGradients Vectors // q × d and q × K; nil for self jobs

	Rate float64 // what the checkpoint counts: its learning rate
}

// TracInLast is [TracIn] of the last layer alone, with inputs x and output gradients
// g, of one position per row:
//
//	I(i, q) = Σ_c w_c·(⟨x_i, x_q⟩ + 1)·⟨g_i, g_q⟩
//
// The 1 is the layer's bias; without one (bias false) it is left out, as in captum's
// TracInCPFast. The gradient of the layer, d·K numbers for each row, is never formed:
// the cost is 2·n·q·(d + K) operations. With cosine each factor is divided by its
// norms. Scores of queries do not add up to those of pools, which are refused.
func TracInLast(layers []LastLayer, bias, cosine bool, o ProductOptions) (Scorer, error) {
	var terms []term
	for i, c := range layers {
		if err := sameRows(c.TrainInputs, c.TrainGradients); err != nil {
			return nil, fmt.Errorf("checkpoint %d: train inputs and gradients: %w", i, err)
		}
		if c.QueryInputs != nil {
			if err := sameRows(c.QueryInputs, c.QueryGradients); err != nil {
				return nil, fmt.Errorf("checkpoint %d: query inputs and gradients: %w", i, err)
			}
		}
		terms = append(terms, term{weight: c.Rate, unit: cosine, factors: []factor{
			{train: c.TrainInputs, query: c.QueryInputs, bias: bias},
			{train: c.TrainGradients, query: c.QueryGradients},
		}})
	}
	without := "layers before the last one are left out"
	if !bias {
		without = "layers before the last one and its bias are left out"
	}
	return newProduct(terms, o, tracinDescription("tracin-last", cosine, "the gradients of all checkpoints in between are left out", without))
}

// sameRows returns an error where two sides of a layer have different rows.
func sameRows(a, b Vectors) error {
	if a.Rows() != b.Rows() {
		return fmt.Errorf("%d and %d rows", a.Rows(), b.Rows())
	}
	return nil
}
