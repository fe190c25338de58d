package capture

import (
	"io"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/durable"
)

// A namedTensor is a tensor of a shard that is being written.
type namedTensor struct {
	name, dtype string
	shape       []int64
	bytes       []byte
}

// writeShard writes tensors as a safetensors file that appears under its name when
// it is durable. It returns the XXH3-64.
func writeShard(path string, metadata map[string]string, tensors []namedTensor) (string, error) {
	described := make([]dataset.Tensor, len(tensors))
	for i, t := range tensors {
		described[i] = dataset.Tensor{Name: t.name, Dtype: t.dtype, Shape: t.shape, Bytes: int64(len(t.bytes))}
	}
	header, err := dataset.SafetensorsHeaderBytes(metadata, described)
	if err != nil {
		return "", err
	}
	sum, err := durable.WriteSummed(path, func(w io.Writer) error {
		if _, err := w.Write(header); err != nil {
			return err
		}
		for _, t := range tensors {
			if _, err := w.Write(t.bytes); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return "", caused(path, err)
	}
	return sum, nil
}
