package capture

import (
	"context"
	"fmt"

	"github.com/infl-dev/infl/influence"
)

// checkProjection says what keeps the modules from being projected.
func (m *Manifest) checkProjection() error {
	switch {
	case m.Level != Projected && m.Projection != nil:
		return fmt.Errorf("projection is for level %s; level is %q", Projected, m.Level)
	case m.Level != Projected:
		return nil
	case m.Projection == nil:
		return fmt.Errorf("projection is missing; level %s names it", Projected)
	}
	if err := m.Projection.Validate(); err != nil {
		return fmt.Errorf("projection: %w", err)
	}
	for i, x := range m.Modules {
		if m.Projection.OfLayers() && x.Kind == Embedding {
			return fmt.Errorf("modules[%d] %q: an embedding is not projected by %s", i, x.Name, m.Projection.Kind)
		}
	}
	return nil
}

// vectorColumns returns how many numbers the gradient of a module is, projected where the
// capture projects.
func (m *Manifest) vectorColumns(x *Module) int64 {
	if whole := x.Out * x.Columns(); m.Projection == nil {
		return whole
	}
	return m.Projection.Numbers(x.Out * x.Columns())
}

// project makes the projections of a batch's gradients, at level projected.
func (w *Writer) project(b *Batch) error {
	if w.manifest.Level != Projected {
		return nil
	}
	b.projected = map[string]Values{}
	p := *w.manifest.Projection
	for i := range w.manifest.Modules {
		x := &w.manifest.Modules[i]
		g := b.Gradients[x.Name]
		cols := x.Out * x.Columns()
		if want := int64(len(b.IDs)) * cols; g.len() != want || g.Half != nil {
			return problem(w.dir, "the gradients of %q are not %d numbers, F32 or F64, for %d examples", x.Name, want, len(b.IDs))
		}
		projected, err := projectValues(g, x, p)
		if err != nil {
			return caused(w.dir, err)
		}
		b.projected[x.Name] = projected
		p.Seed++
	}
	return nil
}

// projectValues returns the projections of the gradients of a module; the gradients
// themselves where they are as short already.
func projectValues(g Values, x *Module, p influence.Projection) (out Values, err error) {
	cols := int(x.Out * x.Columns())
	if !p.OfLayers() && cols <= p.Size {
		return g, nil
	}
	var v influence.Vectors
	if g.F64 != nil {
		v, err = influence.VectorsOf(g.F64, cols)
	} else {
		v, err = influence.VectorsOf(g.F32, cols)
	}
	if err != nil {
		return out, err
	}
	projected, err := influence.ProjectLayer(v, influence.LayerShape{Name: x.Name, Out: int(x.Out), Bias: x.Bias}, p, 0)
	if err != nil {
		return out, err
	}
	for b, err := range projected.Blocks(context.Background(), 0, v.Rows()) {
		if err != nil {
			return out, err
		}
		out.F32 = append(out.F32, b.Float32...)
	}
	return out, nil
}
