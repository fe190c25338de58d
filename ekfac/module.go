package ekfac

import (
	"fmt"

	"github.com/infl-dev/infl/influence/capture"
)

// A Module is a linear map or a convolution with fitted curvature. Its gradient has
// Out × Columns numbers.
type Module struct {
	Name         string `json:"name"`
	Kind         string `json:"kind"` // linear or conv2d, as in [capture.Module]
	In           int64  `json:"in"`
	Out          int64  `json:"out"`
	Bias         bool   `json:"bias"`
	WeightLayout string `json:"weight_layout"`
	InputGroup   string `json:"input_group"`
	RowSet       string `json:"row_set"`

	// Inputs is the module under whose name the factor of the inputs is stored: the first
	// of those that have the same input group, and a bias or none as this one.
	Inputs string `json:"inputs"`

	Examples int64 `json:"examples"` // that were fitted
	Rows     int64 `json:"rows"`     // that their covariances are sums of

	Changes Changes `json:"changes"`
}

// Changes are how far matrices of a module still moved when the last examples were
// added, half of all or less: ‖M − M′‖/‖M‖ for the mean M of all and M′ of the ones
// before. They are nil where there are too few examples to tell.
type Changes struct {
	Inputs  *float64 `json:"inputs,omitempty"`  // of the covariance of inputs
	Outputs *float64 `json:"outputs,omitempty"` // of that of the gradients of outputs
	Lambda  *float64 `json:"lambda,omitempty"`  // of the corrected eigenvalues
}

// Columns returns In, and one more where the module has a bias.
func (m *Module) Columns() int64 {
	if m.Bias {
		return m.In + 1
	}
	return m.In
}

// modulesOf lists the modules of a capture whose curvature can be fitted, and the names
// of the others: embeddings have no factors.
func modulesOf(m *capture.Manifest) (fitted []Module, left []string) {
	first := map[string]string{}
	for _, x := range m.Modules {
		if x.Kind == capture.Embedding {
			left = append(left, x.Name)
			continue
		}
		of := fmt.Sprint(x.Bias, x.InputGroup)
		if first[of] == "" {
			first[of] = x.Name
		}
		fitted = append(fitted, Module{
			Name: x.Name, Kind: x.Kind, In: x.In, Out: x.Out, Bias: x.Bias, WeightLayout: x.WeightLayout,
			InputGroup: x.InputGroup, RowSet: x.RowSet, Inputs: first[of],
		})
	}
	return fitted, left
}
