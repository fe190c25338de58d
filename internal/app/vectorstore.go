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
func (s *vectorSide) projection() *store.Projection {
	if s.store == nil || s.store.Manifest() == nil {
		return nil
	}
	return s.store.Manifest().Projection
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

// matching returns the projection that brings the other side to where a store of
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
	heads := s.store.Manifest().Blocks
	if len(other.blocks) != len(heads) {
		return influence.Projection{}, fmt.Errorf("%s has %d blocks, %s has %d", s.path, len(heads), other.path, len(other.blocks))
	}
	if slices.EqualFunc(heads, other.blocks, func(h store.BlockHead, v influence.Vectors) bool { return h.Cols == v.Cols() }) {
		return influence.Projection{}, nil
	}
	for i, h := range heads {
		if cols := other.blocks[i].Cols(); cols != h.Of {
			return influence.Projection{}, fmt.Errorf("%s: block %q was projected from %d numbers, that of %s has %d", s.path, h.Name, h.Of, other.path, cols)
		}
	}
	return influence.Projection{Kind: p.Kind, Size: p.Size, Seed: p.Seed}, nil
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
