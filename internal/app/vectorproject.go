package app

import (
	"fmt"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/capture"
)

// project returns the blocks of a side, each projected by a seed of its own; as they are
// where the projection has no size.
func (s *vectorSide) project(p influence.Projection, workers int) ([]influence.Vectors, error) {
	if p.Size == 0 {
		return s.blocks, nil
	}
	out := make([]influence.Vectors, len(s.blocks))
	for i, b := range s.blocks {
		var err error
		if p.OfLayers() {
			out[i], err = s.projectLayer(i, p, workers)
		} else {
			out[i], err = influence.Project(b, p, workers)
		}
		if err != nil {
			return nil, err
		}
		p.Seed++
	}
	return out, nil
}

// projectLayer returns the gradients of a module of a capture as bergson projects them.
func (s *vectorSide) projectLayer(i int, p influence.Projection, workers int) (influence.Vectors, error) {
	if s.capture == nil {
		return nil, fmt.Errorf("%s: bergson projects the gradients of layers of known shape, those of a capture", s.path)
	}
	m := s.capture.Manifest().Modules[i]
	if m.Kind == capture.Embedding {
		return nil, fmt.Errorf("%s: module %q is an embedding, which bergson does not project", s.path, m.Name)
	}
	return influence.ProjectBergson(s.blocks[i], influence.LayerShape{Name: m.Name, Out: int(m.Out), Bias: m.Bias}, p, workers)
}
