package app

import (
	"errors"
	"fmt"
	"slices"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/store"
)

// openStore opens the gradients of another tool's folder or file, or of ours: a block
// for each module.
func (s *vectorSide) openStore(o dataset.MatrixOptions) (err error) {
	if s.store, err = store.Open(s.path, o); err != nil {
		return err
	}
	if len(s.store.Blocks()) == 0 {
		hint := "infl convert makes other files of its scores"
		if models := store.TRAKModels(s.path); len(models) > 0 {
			hint = fmt.Sprintf("name the folder of a model, such as %s, or use it as --checkpoint of --method trak", models[0])
		}
		return errors.Join(fmt.Errorf("%s: holds no vectors (%s); %s", s.path, s.store.Kind(), hint), s.store.Close())
	}
	for _, b := range s.store.Blocks() {
		s.blocks, s.names = append(s.blocks, b.Vectors), append(s.names, b.Name)
	}
	return nil
}

// projection returns what the gradients of a side went through; nil for nothing that is
// known.
func (s *vectorSide) projection() *influence.Projection {
	switch {
	case s.capture != nil:
		return s.capture.Manifest().Projection
	case s.store != nil && s.store.Manifest() != nil:
		return s.store.Manifest().Projection
	}
	return nil
}

// unprojected returns how many numbers the blocks of a projected side had before, in order.
func (s *vectorSide) unprojected() (cols []int) {
	if s.capture == nil {
		for _, h := range s.store.Manifest().Blocks {
			cols = append(cols, h.Of)
		}
		return cols
	}
	for _, m := range s.capture.Manifest().Modules {
		cols = append(cols, int(m.Out*m.Columns()))
	}
	return cols
}

// carry has a store that is written from a projected side say how it is.
func (s *vectorSide) carry(c *store.Content) {
	if p := s.projection(); p != nil {
		c.Projection, c.OfCols = p, s.unprojected()
	}
}

// scaled reports whether the numbers of a side have scales.
func (s *vectorSide) scaled() bool { return s.store != nil && s.store.Scaled() }

// approximations says what a store has lost of the gradients.
func (s *vectorSide) approximations() (out []string) {
	if p := s.projection(); p != nil {
		out = append(out, fmt.Sprintf("gradients are projected at random, to %d numbers a block by %s", p.Size, p.Kind))
	}
	if s.scaled() {
		out = append(out, fmt.Sprintf("gradients are stored as %s", s.blocks[0].Dtype()))
	}
	return out
}

// matching returns the projection that brings the other side to where a side of
// projected gradients is, after checking that it can. Vectors that are as short as the
// projected ones already, as another tool's may be, stay as they are.
func (s *vectorSide) matching(other *vectorSide) (influence.Projection, error) {
	p := s.projection()
	if p == nil {
		return influence.Projection{}, nil
	}
	if own := other.projection(); own != nil {
		if *own != *p {
			return influence.Projection{}, fmt.Errorf("%s and %s are projected differently: %v and %v", s.path, other.path, *p, *own)
		}
		return influence.Projection{}, nil
	}
	if len(other.blocks) != len(s.blocks) {
		return influence.Projection{}, fmt.Errorf("%s has %d blocks, %s has %d", s.path, len(s.blocks), other.path, len(other.blocks))
	}
	if slices.EqualFunc(s.blocks, other.blocks, func(a, b influence.Vectors) bool { return a.Cols() == b.Cols() }) {
		return influence.Projection{}, nil
	}
	for i, of := range s.unprojected() {
		if cols := other.blocks[i].Cols(); cols != of {
			return influence.Projection{}, fmt.Errorf("%s: block %q was projected from %d numbers, that of %s has %d", s.path, s.names[i], of, other.path, cols)
		}
	}
	return *p, nil
}

// expandModels puts the folders of the models of a TRAK folder in the place of the
// folder.
func expandModels(checkpoints []string) []string {
	var out []string
	for _, text := range checkpoints {
		dir, _, _ := splitCheckpoint(text) // What is wrong is said where it is opened.
		models := store.TRAKModels(dir)
		for _, m := range models {
			out = append(out, m+text[len(dir):])
		}
		if len(models) == 0 {
			out = append(out, text)
		}
	}
	return out
}
