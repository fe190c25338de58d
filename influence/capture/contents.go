package capture

import (
	"slices"

	"github.com/infl-dev/infl/influence/dataset"
)

// A content is a tensor that the shards of a capture hold. Its first dimension is
// the rows of a row set, or the examples where rowSet is empty.
type content struct {
	name     string
	dtype    string // of the format
	rowSet   string
	shape    []int64 // of one row or example
	float    bool    // inputs or gradients
	sum      bool    // of the whole shard: shape is that of the tensor
	optional bool
}

// width is the number of values of one row or example.
func (x *content) width() int64 {
	width := int64(1)
	for _, n := range x.shape {
		width *= n
	}
	return width
}

// contents lists the tensors of each shard but for offsets, those of eight bytes a
// number first: so each begins at a multiple of its numbers' size.
func (m *Manifest) contents() []content {
	list := []content{
		{name: "ids", dtype: "I64"},
		{name: "ntok", dtype: "I64"},
		{name: "loss", dtype: "F64"},
	}
	switch {
	case m.HasRows():
		list = append(list, m.rowContents()...)
	case m.Level == Factors:
		list = append(list, m.sumContents()...)
	default:
		for i := range m.Modules {
			list = append(list, m.gradientContent(&m.Modules[i]))
		}
	}
	list = append(list, m.headContents()...)
	list = append(list, content{name: "flag", dtype: "U8", optional: true})
	size := func(x content) int64 { return itemBytes(x.dtype) }
	slices.SortStableFunc(list, func(a, b content) int { return int(size(b) - size(a)) })
	return list
}

// rowContents lists inputs and gradients of outputs.
func (m *Manifest) rowContents() []content {
	var list []content
	for _, g := range m.InputGroups {
		switch g.Layout {
		case IndicesLayout:
			list = append(list, content{name: "i/" + g.Name, dtype: "I32", rowSet: g.RowSet})
		case NCHWLayout:
			if conv := m.convOf(g.Name); conv != nil {
				list = append(list, content{name: "a/" + g.Name, dtype: m.Dtype, shape: conv.InShape[:], float: true})
			}
		default:
			list = append(list, content{name: "a/" + g.Name, dtype: m.Dtype, rowSet: g.RowSet, shape: []int64{g.Width}, float: true})
		}
	}
	for _, x := range m.Modules {
		list = append(list, content{name: "g/" + x.Name, dtype: m.Dtype, rowSet: x.RowSet, shape: []int64{x.Out}, float: true})
	}
	return list
}

// gradientContent is the gradients of a module, or their projections.
func (m *Manifest) gradientContent(x *Module) content {
	if m.Projection != nil {
		return content{name: "p/" + x.Name, dtype: m.Dtype, shape: []int64{m.vectorColumns(x)}, float: true}
	}
	return content{name: "G/" + x.Name, dtype: m.Dtype, shape: []int64{x.Out, x.Columns()}, float: true}
}

// headContents lists what is told of a last layer.
func (m *Manifest) headContents() (list []content) {
	if m.hasLogits() {
		x := &m.Modules[0]
		list = append(list, content{name: "z/" + x.Name, dtype: m.Dtype, shape: []int64{x.Out}, float: true})
	}
	if m.hasLabels() {
		list = append(list, content{name: "labels", dtype: "I64"})
	}
	return list
}

func (m *Manifest) hasLogits() bool { return m.Head != nil && m.Head.Logits }
func (m *Manifest) hasLabels() bool { return m.Head != nil && m.Head.Labels }

// convOf returns the geometry of the convolutions that read a group.
func (m *Manifest) convOf(group string) *Conv {
	for i := range m.Modules {
		if m.Modules[i].InputGroup == group {
			return m.Modules[i].Conv
		}
	}
	return nil
}

// itemBytes returns the size of a number of the format's types that captures use.
func itemBytes(dtype string) int64 {
	switch dtype {
	case "I64":
		return 8
	case "I32":
		return 4
	case "U8":
		return 1
	}
	return dtypes[dtype].Bytes()
}

// expect checks that a file has a tensor of a type and a shape.
func expect(h dataset.SafetensorsHeader, path, name, dtype string, shape ...int64) error {
	t, there := h.Tensor(name)
	switch {
	case !there:
		return problem(path, "has no tensor %q, which the manifest tells of", name)
	case t.Dtype != dtype:
		return problem(path, "tensor %q is %s, the manifest says %s", name, t.Dtype, dtype)
	case !slices.Equal(t.Shape, shape):
		return problem(path, "tensor %q has the shape %v, the manifest says %v", name, t.Shape, shape)
	}
	return nil
}
