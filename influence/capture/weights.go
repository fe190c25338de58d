package capture

// Parameters returns the names of the module's weight and bias in the training program:
// those of Params, and otherwise NAME.weight and NAME.bias. bias is empty without one.
func (m *Module) Parameters() (weight, bias string) {
	weight = m.Name + ".weight"
	if m.Bias {
		bias = m.Name + ".bias"
	}
	switch {
	case m.Bias && len(m.Params) == 2:
		weight, bias = m.Params[0], m.Params[1]
	case !m.Bias && len(m.Params) == 1:
		weight = m.Params[0]
	}
	return weight, bias
}

// WeightShape returns the shape of the module's weight in the training program: out × in
// or in × out, and of a convolution out × channels × kernel height × kernel width.
func (m *Module) WeightShape() []int64 {
	switch {
	case m.Kind == Conv2D:
		return []int64{m.Out, m.Conv.InShape[0], m.Conv.Kernel[0], m.Conv.Kernel[1]}
	case m.WeightLayout == "in_out":
		return []int64{m.In, m.Out}
	}
	return []int64{m.Out, m.In}
}

// Weights parts a gradient of the module, out × Columns numbers, or whatever else lies in
// the space of its parameters: weight has the numbers of [Module.WeightShape] in
// row-major order, bias out numbers, nil for a module without one. Both are copies.
func (m *Module) Weights(gradient []float64) (weight, bias []float64) {
	in, out, columns := int(m.In), int(m.Out), int(m.Columns())
	weight = make([]float64, out*in)
	for o := range out {
		row := gradient[o*columns:][:columns]
		if m.Bias {
			bias = append(bias, row[in])
		}
		if m.Kind == Conv2D || m.WeightLayout != "in_out" {
			copy(weight[o*in:], row[:in])
			continue
		}
		for i, v := range row[:in] {
			weight[i*out+o] = v
		}
	}
	return weight, bias
}
