package ekfac

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
			list = append(list, inputFactor(m))
		}
		list = append(list, outputFactor(m))
	}
	return list
}

func inputFactor(m *Module) factor {
	return factor{inputCovariance, inputRows, inputValues, inputVectors, m.Inputs, m, true, int(m.Columns())}
}

func outputFactor(m *Module) factor {
	return factor{outputCovariance, outputRows, outputValues, outputVectors, m.Name, m, false, int(m.Out)}
}
