package model

import (
	"encoding/binary"
	"io"
	"path/filepath"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
)

// momentsName is the file of Adam's state in the folder of a checkpoint's captures.
const momentsName = "optimizer.safetensors"

// momentsOf returns the running means of Adam over all layers, in the order of their
// weights; nil for the other optimizers.
func momentsOf(moves []mover) *influence.AdamState {
	if moves[0].second == nil {
		return nil
	}
	s := &influence.AdamState{}
	for i := range moves {
		s.Mean, s.Square = append(s.Mean, moves[i].first...), append(s.Square, moves[i].second...)
	}
	return s
}

// writeMoments writes the running means as exp_avg and exp_avg_sq, which is what LESS
// needs beside gradients.
func writeMoments(dir string, s *influence.AdamState) error {
	return writeFile(filepath.Join(dir, momentsName), func(w io.Writer) error {
		var tensors []dataset.Tensor
		for _, name := range []string{"exp_avg", "exp_avg_sq"} {
			n := int64(len(s.Mean))
			tensors = append(tensors, dataset.Tensor{Name: name, Dtype: "F64", Shape: []int64{n}, Bytes: 8 * n})
		}
		header, err := dataset.SafetensorsHeaderBytes(nil, tensors)
		if err != nil {
			return err
		}
		if _, err := w.Write(header); err != nil {
			return err
		}
		for _, numbers := range [][]float64{s.Mean, s.Square} {
			if err := binary.Write(w, binary.LittleEndian, numbers); err != nil {
				return err
			}
		}
		return nil
	})
}
