package capture

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
)

// maxNumbers bounds the numbers of one example of one tensor, so that sizes stay
// far from overflow.
const maxNumbers = 1 << 40

// check says what is wrong with a manifest, naming the field.
func (m *Manifest) check() error {
	switch {
	case m.Format != formatName:
		return fmt.Errorf("format is %q, not %q", m.Format, formatName)
	case m.Version != formatVersion:
		return fmt.Errorf("version is %d; this version reads %d", m.Version, formatVersion)
	case !slices.Contains(levels, m.Level):
		return fmt.Errorf("level is %q, not %s", m.Level, strings.Join(levels, ", "))
	case dtypes[m.Dtype] == "":
		return fmt.Errorf("dtype is %q, not F64, F32, BF16 or F16", m.Dtype)
	case m.N < 0:
		return fmt.Errorf("n is %d", m.N)
	case len(m.Modules) == 0:
		return fmt.Errorf("modules is empty: nothing was captured")
	}
	for _, check := range []func() error{m.Loss.check, m.Checkpoint.check, m.Coverage.check, m.checkGroups, m.checkModules, m.checkHead, m.checkProjection, m.checkSums, m.checkShards} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (l *Loss) check() error {
	switch {
	case l.Reduction != "sum":
		return fmt.Errorf("loss.reduction is %q; gradients must be those of a sum over an example's positions", l.Reduction)
	case l.Labels != "dataset" && l.Labels != "sampled":
		return fmt.Errorf("loss.labels is %q, not dataset or sampled", l.Labels)
	case !(l.Scale >= 0) || math.IsInf(l.Scale, 1):
		return fmt.Errorf("loss.loss_scale is %g", l.Scale)
	}
	return nil
}

func (c *Checkpoint) check() error {
	switch {
	case !(c.LearningRate >= 0) || math.IsInf(c.LearningRate, 1):
		return fmt.Errorf("checkpoint.lr is %g", c.LearningRate)
	case math.IsNaN(c.Weight) || math.IsInf(c.Weight, 0):
		return fmt.Errorf("checkpoint.weight is %g", c.Weight)
	}
	return nil
}

func (c *Coverage) check() error {
	if c.Captured < 0 || c.Total < c.Captured {
		return fmt.Errorf("coverage: %d of %d parameters are captured", c.Captured, c.Total)
	}
	return nil
}

func (m *Manifest) checkGroups() error {
	seen := map[string]bool{}
	for i, g := range m.InputGroups {
		set, known := m.RowSets[g.RowSet]
		switch {
		case seen[g.Name]:
			return fmt.Errorf("input_groups[%d].name %q stands twice", i, g.Name)
		case g.Width < 1 || g.Width > maxNumbers:
			return fmt.Errorf("input_groups[%d].width is %d", i, g.Width)
		case g.Layout != RowsLayout && g.Layout != NCHWLayout && g.Layout != IndicesLayout:
			return fmt.Errorf("input_groups[%d].layout is %q, not rows, nchw or indices", i, g.Layout)
		case !known:
			return fmt.Errorf("input_groups[%d].row_set %q is not among the row_sets", i, g.RowSet)
		case set != Ragged && int64(set) > maxNumbers/g.Width:
			return fmt.Errorf("input_groups[%d]: %d rows of %d numbers are too many", i, set, g.Width)
		}
		seen[g.Name] = true
	}
	return nil
}

func (m *Manifest) checkModules() error {
	seen := map[string]bool{}
	for i := range m.Modules {
		x := &m.Modules[i]
		if seen[x.Name] {
			return fmt.Errorf("modules[%d].name %q stands twice", i, x.Name)
		}
		seen[x.Name] = true
		if err := m.checkModule(x); err != nil {
			return fmt.Errorf("modules[%d] %q: %w", i, x.Name, err)
		}
	}
	return nil
}

func (m *Manifest) checkModule(x *Module) error {
	g, known := m.Group(x.InputGroup)
	switch {
	case x.In < 1 || x.Out < 1 || x.In > maxNumbers/x.Out-1:
		return fmt.Errorf("in is %d, out is %d", x.In, x.Out)
	case x.WeightLayout != "out_in" && x.WeightLayout != "in_out":
		return fmt.Errorf("weight_layout is %q, not out_in or in_out", x.WeightLayout)
	case !known:
		return fmt.Errorf("input_group %q is not among the input_groups", x.InputGroup)
	case g.RowSet != x.RowSet:
		return fmt.Errorf("row_set is %q, that of its input_group %q", x.RowSet, g.RowSet)
	}
	switch x.Kind {
	case Linear:
		if g.Layout != RowsLayout {
			return fmt.Errorf("input_group has the layout %s", g.Layout)
		}
	case Conv2D:
		if g.Layout == IndicesLayout {
			return fmt.Errorf("input_group has the layout %s", g.Layout)
		}
		if err := x.Conv.check(x, m.RowSets[x.RowSet], g.Layout); err != nil {
			return err
		}
	case Embedding:
		if g.Layout != IndicesLayout || x.Bias {
			return fmt.Errorf("an embedding has no bias and an input_group of indices")
		}
		return nil
	default:
		return fmt.Errorf("kind is %q, not linear, conv2d or embedding", x.Kind)
	}
	if g.Width != x.In {
		return fmt.Errorf("in is %d, the width of its input_group %d", x.In, g.Width)
	}
	return nil
}

// checkHead says what keeps modules and row sets from being those of a last layer.
func (m *Manifest) checkHead() error {
	if m.Level != LastLayer {
		if m.Head != nil {
			return fmt.Errorf("head is for level %s; level is %q", LastLayer, m.Level)
		}
		return nil
	}
	switch x := &m.Modules[0]; {
	case len(m.Modules) > 1:
		return fmt.Errorf("modules has %d entries; level %s holds the last layer alone", len(m.Modules), LastLayer)
	case x.Kind != Linear:
		return fmt.Errorf("modules[0] %q: kind is %q; a last layer is linear", x.Name, x.Kind)
	case m.RowSets[x.RowSet] != 1:
		return fmt.Errorf("modules[0] %q: row_set %q is not of one row for each example, as level %s has it; use level %s", x.Name, x.RowSet, LastLayer, Rows)
	}
	return nil
}

// check says what is wrong with the geometry of module x, whose examples have
// rows of set.
func (c *Conv) check(x *Module, set RowSet, layout string) error {
	if c == nil {
		return fmt.Errorf("conv is missing")
	}
	const most = 1 << 20 // of a side in pixels
	for d := range 2 {
		for _, n := range []int64{c.Kernel[d], c.Stride[d], c.Dilation[d], c.InShape[1+d], c.OutShape[d]} {
			if n < 1 || n > most {
				return fmt.Errorf("conv holds the size %d", n)
			}
		}
		if c.Padding[d] < 0 || c.Padding[d] > most {
			return fmt.Errorf("conv.padding is %d", c.Padding[d])
		}
		if want := (c.InShape[1+d]+2*c.Padding[d]-c.Dilation[d]*(c.Kernel[d]-1)-1)/c.Stride[d] + 1; c.OutShape[d] != want {
			return fmt.Errorf("conv.out_shape is %v; from in_shape %v follows %d", c.OutShape, c.InShape, want)
		}
	}
	positions := c.OutShape[0] * c.OutShape[1]
	switch {
	case c.Groups > 1:
		return fmt.Errorf("conv.groups is %d; grouped convolutions are not read", c.Groups)
	case c.PatchOrder != "c,kh,kw":
		return fmt.Errorf("conv.patch_order is %q, not \"c,kh,kw\"", c.PatchOrder)
	case c.InShape[0] < 1 || c.InShape[0] > most || c.InShape[0]*c.Kernel[0]*c.Kernel[1] != x.In:
		return fmt.Errorf("in is %d; conv has %d channels and the kernel %v", x.In, c.InShape[0], c.Kernel)
	case set == Ragged || int64(set)%positions != 0 || layout == NCHWLayout && int64(set) != positions:
		return fmt.Errorf("row_set has %d rows; conv.out_shape is %v", set, c.OutShape)
	}
	return nil
}

func (m *Manifest) checkShards() error {
	seen, next := map[string]bool{}, int64(0)
	for i, s := range m.Shards {
		switch {
		case !filepath.IsLocal(s.File) || filepath.Base(s.File) != s.File:
			return fmt.Errorf("shards[%d].file %q is not a name in the folder", i, s.File)
		case seen[s.File]:
			return fmt.Errorf("shards[%d].file %q stands twice", i, s.File)
		case s.First != next || s.N < 1:
			return fmt.Errorf("shards[%d] holds %d examples from %d; the next one is %d", i, s.N, s.First, next)
		}
		seen[s.File] = true
		next += s.N
		if next < 0 {
			return fmt.Errorf("shards[%d].n is %d", i, s.N)
		}
	}
	if next != m.N {
		return fmt.Errorf("n is %d, the shards hold %d", m.N, next)
	}
	return nil
}
