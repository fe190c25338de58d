package store

import (
	"context"
	"io"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/durable"
)

// WriteNPY writes blocks one after the other to a .npy file of a shape, which must have
// as many numbers as they have. Numbers keep their type, but bfloat16 becomes float32; it
// is an error where the types of blocks differ, and where numbers have scales (see
// [influence.InFloat32]). Vectors are streamed, and the file appears when it is whole.
func WriteNPY(ctx context.Context, path string, shape []int64, blocks ...influence.Vectors) error {
	_, err := durable.WriteSummed(path, func(w io.Writer) error {
		d := blocks[0].Dtype()
		if npyDtypes[d] == "" {
			return errScaled
		}
		if err := dataset.WriteNPYHeader(w, npyDtypes[d], shape...); err != nil {
			return err
		}
		for _, v := range blocks {
			if v.Dtype() != d {
				return problem(path, "blocks of %s and %s do not fit into one array", d, v.Dtype())
			}
			if err := writeRows(ctx, w, v, 0, v.Rows(), true); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// WriteTensors writes blocks as the tensors of a safetensors file, rows × numbers in the
// type that each has, under their names. Numbers with scales are an error. Vectors are
// streamed, and the file appears when it is whole.
func WriteTensors(ctx context.Context, path string, metadata map[string]string, blocks []Block) error {
	var tensors []tensor
	for _, b := range blocks {
		tensors = append(tensors, rowsTensor(ctx, b, b.Rows(), int64(b.Cols())))
	}
	_, err := writeTensors(path, metadata, tensors)
	return err
}

// A tensor is what a file is to hold: name, dtype, shape and bytes, and who writes them.
type tensor struct {
	dataset.Tensor
	write func(io.Writer) error
}

// rowsTensor is all rows of a block as a tensor of a shape.
func rowsTensor(ctx context.Context, b Block, shape ...int64) tensor {
	return tensor{
		Tensor: dataset.Tensor{Name: b.Name, Dtype: tensorDtypes[b.Dtype()], Shape: shape, Bytes: b.Rows() * int64(b.Cols()) * b.Dtype().Bytes()},
		write:  func(w io.Writer) error { return writeRows(ctx, w, b, 0, b.Rows(), false) },
	}
}

// writeTensors writes tensors one after the other to a safetensors file.
func writeTensors(path string, metadata map[string]string, tensors []tensor) (sum string, err error) {
	heads := make([]dataset.Tensor, len(tensors))
	for i, t := range tensors {
		heads[i] = t.Tensor
	}
	header, err := dataset.SafetensorsHeaderBytes(metadata, heads)
	if err != nil {
		return "", err
	}
	return durable.WriteSummed(path, func(w io.Writer) error {
		if _, err := w.Write(header); err != nil {
			return err
		}
		for _, t := range tensors {
			if err := t.write(w); err != nil {
				return err
			}
		}
		return nil
	})
}
