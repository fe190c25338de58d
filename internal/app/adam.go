package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
)

// adamName is the file of an optimiser's state in a checkpoint's folder.
const adamName = "optimizer.safetensors"

// readAdam reads the state of Adam.
func readAdam(ctx context.Context, path string) (*influence.AdamState, error) {
	a := &influence.AdamState{}
	for name, out := range map[string]*[]float64{"exp_avg": &a.Mean, "exp_avg_sq": &a.Square} {
		m, err := dataset.OpenMatrix(path, dataset.MatrixOptions{Name: name})
		if err != nil {
			return nil, err
		}
		*out, err = influence.ReadVectors(ctx, m)
		if err := errors.Join(err, m.Close()); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// adam reads the state of Adam in the checkpoint's folder; nil where there is none, or
// where the train vectors are directions of Adam already.
func (s *checkpointSides) adam() (*influence.AdamState, error) {
	path := filepath.Join(s.dir, adamName)
	if _, err := os.Stat(path); s.dir == "" || s.train.directions() || errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if s.train.projection() != nil {
		return nil, fmt.Errorf("%s: is projected, and Adam steps from gradients as they are; remove %s where the vectors are its directions already, else project them with infl fit --method store --adam", s.train.path, path)
	}
	a, err := readAdam(context.Background(), path)
	if err != nil {
		return nil, err
	}
	s.optimizer = path
	return a, nil
}

// directions reports whether a side is a store of directions of Adam.
func (s *vectorSide) directions() bool {
	return s.store != nil && s.store.Manifest() != nil && s.store.Manifest().Adam
}

// step replaces the gradients of a side by the directions of Adam with the state of a
// file, whose numbers follow the blocks in order.
func (s *vectorSide) step(ctx context.Context, file string) error {
	if s.directions() || s.projection() != nil {
		return fmt.Errorf("%s: --adam needs gradients as training has them, neither projected nor directions of Adam already", s.path)
	}
	a, err := readAdam(ctx, file)
	if err != nil {
		return err
	}
	cols := 0
	for _, b := range s.blocks {
		cols += b.Cols()
	}
	if len(a.Mean) != cols || len(a.Square) != cols {
		return fmt.Errorf("%s: has means of %d and %d numbers, the gradients of %s have %d", file, len(a.Mean), len(a.Square), s.path, cols)
	}
	for i, b := range s.blocks {
		n := b.Cols()
		if s.blocks[i], err = influence.AdamDirections(b, influence.AdamState{Mean: a.Mean[:n], Square: a.Square[:n]}); err != nil {
			return err
		}
		a.Mean, a.Square = a.Mean[n:], a.Square[n:]
	}
	return nil
}
