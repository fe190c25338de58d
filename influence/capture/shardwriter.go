package capture

import (
	"fmt"
	"io"
	"os"

	"github.com/zeebo/xxh3"

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
	return writeFile(path, func(w io.Writer) error {
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
}

// writeFile writes a file under a temporary name, makes it durable and gives it its
// name. After an error nothing is left of it.
func writeFile(path string, write func(io.Writer) error) (sum string, err error) {
	temp := path + durable.TempSuffix
	f, err := os.Create(temp)
	if err != nil {
		return "", caused(temp, err)
	}
	h := xxh3.New()
	err = durable.Finish(f, path, func(w io.Writer) error { return write(io.MultiWriter(w, h)) })
	if err != nil {
		return "", caused(path, err)
	}
	return fmt.Sprintf("%016x", h.Sum64()), nil
}
