package capture

import "slices"

// NewManifest returns a manifest of level rows and dtype F32 for a training program
// in Go to complete: the loss is a sum, labels are those of the data set, groups and
// row sets follow from the modules. A row set that is not set by the caller means one
// row for each example.
func NewManifest(split string, modules ...Module) Manifest {
	m := Manifest{
		Level: Rows, Dtype: "F32", Split: split,
		Loss:       Loss{Reduction: "sum", Labels: "dataset", Measurement: "loss", Scale: 1},
		BiasColumn: "not stored; the engine appends 1 as the LAST input column",
		RowSets:    map[string]RowSet{},
		Modules:    modules,
		Coverage:   Coverage{Skipped: []string{}},
	}
	for _, x := range modules {
		m.RowSets[x.RowSet] = 1
		if x.Conv != nil {
			m.RowSets[x.RowSet] = RowSet(x.Conv.OutShape[0] * x.Conv.OutShape[1])
		}
		if !slices.ContainsFunc(m.InputGroups, func(g InputGroup) bool { return g.Name == x.InputGroup }) {
			m.InputGroups = append(m.InputGroups, groupOf(x))
		}
		m.Coverage.Captured += x.Out * x.Columns()
		m.Coverage.Total = m.Coverage.Captured
	}
	return m
}

// groupOf returns the input group that a module alone needs.
func groupOf(x Module) InputGroup {
	g := InputGroup{Name: x.InputGroup, Width: x.In, Layout: RowsLayout, RowSet: x.RowSet}
	switch x.Kind {
	case Embedding:
		g.Width, g.Layout = 1, IndicesLayout
	case Conv2D:
		g.Layout = NCHWLayout
	}
	return g
}

// NewLinear returns a linear module with an input group of its own name, weights of
// out × in and the row set "ex".
func NewLinear(name string, in, out int64, bias bool) Module {
	params := []string{name + ".weight"}
	if bias {
		params = append(params, name+".bias")
	}
	return Module{
		Name: name, Kind: Linear, Bias: bias, InputGroup: name, RowSet: "ex",
		In: in, Out: out, WeightLayout: "out_in", Params: params,
	}
}
