package model

import (
	"errors"
	"fmt"
	"slices"
)

// A Kind is what is trained.
type Kind string

// The kinds of models.
const (
	Ridge   Kind = "ridge"   // one linear layer with one output, squared loss, closed form
	Softmax Kind = "softmax" // one linear layer, cross-entropy, to the minimum
	MLP     Kind = "mlp"     // linear layers with an activation between them, by batches
)

// Kinds lists the kinds of models.
func Kinds() []Kind { return []Kind{Ridge, Softmax, MLP} }

// A Loss is what an example contributes to the objective.
type Loss string

// The losses of examples.
const (
	CrossEntropy Loss = "cross_entropy"      // −log p of the example's class, p the softmax of the outputs
	HalfSquared  Loss = "half_squared_error" // (z − y)²/2 of the one output z
)

// An Optimizer is how a multilayer perceptron moves along gradients.
type Optimizer string

// The optimizers, with η the learning rate and g the gradient of a batch.
const (
	SGD      Optimizer = "sgd"      // θ ← θ − η·g
	Momentum Optimizer = "momentum" // v ← β·v + g, θ ← θ − η·v
	Adam     Optimizer = "adam"     // Kingma and Ba (2015), algorithm 1: β₁ = 0.9, β₂ = 0.999, ε = 1e-8
)

// Options say how a model is trained. The zero value of a field is its default.
type Options struct {
	Kind Kind

	// L2 is μ of the objective.
	L2 float64

	// FreeBias leaves the biases out of the penalty. Goldens and the representer
	// theorem have them in it.
	FreeBias bool

	// Standardize subtracts from each feature its mean and divides by its deviation
	// (both over all rows of the data, with 1/n), before the first layer. Subsets
	// keep the scaling of all rows, so that leaving a row out moves the weights only.
	Standardize bool

	// Of multilayer perceptrons.
	Loss         Loss       // default CrossEntropy
	Hidden       []int      // outputs of each hidden layer; none is a single linear layer
	Activation   Activation // default ReLU
	Epochs       int        // default 20
	BatchSize    int        // default 32
	Optimizer    Optimizer  // default SGD
	LearningRate float64    // η, default 0.1, of Adam 0.001
	Momentum     float64    // β, default 0.9

	// Seed draws the first weights and the order of rows.
	Seed uint64

	// Workers is the number of goroutines; 0 is the number of CPUs. Results do not
	// depend on it.
	Workers int

	// Checkpoint is called with a copy of the model after each epoch of a multilayer
	// perceptron. Its error ends training.
	Checkpoint func(*Model) error
}

// A Subset says on which rows of the data to train. The zero value is all of them.
type Subset struct {
	// Rows are the rows, ascending; nil means all.
	Rows []int64

	// Denominator is N of the objective; 0 is the number of rows. Leaving rows out
	// under the N of all rows keeps the weight of the others against μ.
	Denominator float64

	// Start is a model to start from in place of zeros; the minimum that ridge and
	// softmax regression go to does not depend on it but for rounding. A multilayer
	// perceptron goes on from its weights, with fresh moments.
	Start *Model
}

// withDefaults fills in what is left open.
func (o Options) withDefaults() Options {
	set := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	switch o.Kind {
	case Ridge:
		o.Loss = HalfSquared
	case Softmax:
		o.Loss = CrossEntropy
	case MLP:
		set(&o.Epochs, 20)
		set(&o.BatchSize, 32)
		if o.Loss == "" {
			o.Loss = CrossEntropy
		}
		if o.Activation == "" {
			o.Activation = ReLU
		}
		if o.Optimizer == "" {
			o.Optimizer = SGD
		}
		if o.LearningRate == 0 {
			o.LearningRate = 0.1
			if o.Optimizer == Adam {
				o.LearningRate = 0.001
			}
		}
		if o.Momentum == 0 && o.Optimizer == Momentum {
			o.Momentum = 0.9
		}
	}
	return o
}

// maxWidth bounds the outputs of a layer.
const maxWidth = 1 << 20

// validate lists what is wrong with options whose defaults are filled in.
func (o Options) validate() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !slices.Contains(Kinds(), o.Kind) {
		wrong("the kind %q is not known; there are %v", o.Kind, Kinds())
	}
	if !isPositive(o.L2) && o.L2 != 0 {
		wrong("an L2 regularisation of %v; it must be a number that is not negative", o.L2)
	}
	if o.Workers < 0 {
		wrong("%d workers", o.Workers)
	}
	if o.Kind != MLP {
		return errors.Join(errs...)
	}
	if o.Loss != CrossEntropy && o.Loss != HalfSquared {
		wrong("the loss %q is not known; there are %s and %s", o.Loss, CrossEntropy, HalfSquared)
	}
	if !slices.Contains(Activations(), o.Activation) {
		wrong("the activation %q is not known; there are %v", o.Activation, Activations())
	}
	if !slices.Contains([]Optimizer{SGD, Momentum, Adam}, o.Optimizer) {
		wrong("the optimizer %q is not known; there are %s, %s and %s", o.Optimizer, SGD, Momentum, Adam)
	}
	for _, h := range o.Hidden {
		if h < 1 || h > maxWidth {
			wrong("a hidden layer with %d outputs", h)
		}
	}
	if o.Epochs < 1 || o.BatchSize < 1 {
		wrong("%d epochs of batches of %d", o.Epochs, o.BatchSize)
	}
	if !isPositive(o.LearningRate) {
		wrong("a learning rate of %v; it must be positive", o.LearningRate)
	}
	if !(o.Momentum >= 0 && o.Momentum < 1) {
		wrong("a momentum of %v; it must be at least 0 and below 1", o.Momentum)
	}
	return errors.Join(errs...)
}

// isPositive reports whether v is a finite number above 0.
func isPositive(v float64) bool { return v > 0 && v-v == 0 }
