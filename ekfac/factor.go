package ekfac

import (
	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/internal/kernel"
)

// A factor is one of the two Kronecker factors of a module: what its rows are, and where
// it is kept.
type factor struct {
	covariance, count, values, vectors string // files
	key                                string
	module                             *Module
	inputs                             bool // else gradients of outputs
	size                               int  // d of d × d
}

// factorsOf lists the factors of modules in forward order; inputs that modules share
// stand once.
func factorsOf(modules []Module) []factor {
	var list []factor
	for i := range modules {
		m := &modules[i]
		if m.Inputs == m.Name {
			list = append(list, factor{inputCovariance, inputRows, inputValues, inputVectors, m.Name, m, true, int(m.Columns())})
		}
		list = append(list, factor{outputCovariance, outputRows, outputValues, outputVectors, m.Name, m, false, int(m.Out)})
	}
	return list
}

// rowsOf returns the rows of a factor in a block of a capture, on the terms of
// [capture.Inputs].
func rowsOf[F kernel.Float](b *capture.Block, f *factor, buffer *[]F) (kernel.Matrix[F], error) {
	if f.inputs {
		return capture.Inputs(b, f.module.InputGroup, f.module.Bias, buffer)
	}
	return capture.OutputGradients(b, f.module.Name, buffer)
}
