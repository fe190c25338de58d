package capture

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/durable"
)

// directionsName is the file that makes a folder one of directions.
const directionsName = "directions.json"

const directionMeaning = "the score of a train row is the inner product of a query's direction with the gradient of the row's loss: " +
	"a step from the weights W to W - e * direction changes that loss by -e * score, to first order in e"

// directionsIndex is what directions.json says.
type directionsIndex struct {
	Format     string          `json:"format"`
	Version    int             `json:"version"`
	Meaning    string          `json:"meaning"`
	Model      Model           `json:"model"`
	Checkpoint Checkpoint      `json:"checkpoint"`
	Method     any             `json:"method"`
	Modules    []string        `json:"modules"`
	Queries    []directionFile `json:"queries"`
}

// A directionFile is where the direction of a query is.
type directionFile struct {
	Key  string `json:"key"`
	Row  int64  `json:"row"`
	File string `json:"file"`
}

// DirectionOptions say what a folder of directions holds.
type DirectionOptions struct {
	Modules []string      // whose parts the directions have, in this order
	Dtype   dataset.Dtype // of the files: float32 or float64
	Method  any           // what made them, for directions.json
	Replace bool          // directions that the folder holds
}

// A DirectionWriter writes directions of a model's weights into a folder: a safetensors
// file for each query, with the names, shapes and layouts of the weights themselves, and
// last directions.json. Queries that were written count once that is there.
type DirectionWriter struct {
	dir     string
	modules []*Module
	dtype   string
	index   directionsIndex
}

// CreateDirections makes the folder, for queries of a capture with the manifest m. It is
// an error where the folder holds directions, but for o.Replace, and where a module is
// not one of the capture.
func CreateDirections(dir string, m *Manifest, o DirectionOptions) (*DirectionWriter, error) {
	w := &DirectionWriter{dir: dir, index: directionsIndex{
		Format: "infl-directions", Version: 1, Meaning: directionMeaning,
		Model: m.Model, Checkpoint: m.Checkpoint, Method: o.Method, Modules: o.Modules, Queries: []directionFile{},
	}}
	switch o.Dtype {
	case dataset.Float32:
		w.dtype = "F32"
	case dataset.Float64:
		w.dtype = "F64"
	default:
		return nil, problem(dir, "directions are not written in %s", o.Dtype)
	}
	for _, name := range o.Modules {
		x, known := m.Module(name)
		if !known {
			return nil, problem(dir, "the capture has no module %q", name)
		}
		w.modules = append(w.modules, x)
	}
	index := filepath.Join(dir, directionsName)
	if _, err := os.Stat(index); err == nil && !o.Replace {
		return nil, problem(dir, "holds directions already; name another folder")
	}
	return w, errors.Join(os.MkdirAll(dir, 0o777), durable.RemoveIfThere(index))
}

// Write writes the direction of a query: out × Columns numbers of each module, as its
// gradients have them, in the order of the options.
func (w *DirectionWriter) Write(row int64, key string, parts [][]float64) error {
	var tensors []dataset.Tensor
	var numbers [][]float64
	add := func(name string, x []float64, shape ...int64) {
		bytes := itemBytes(w.dtype) * int64(len(x))
		tensors = append(tensors, dataset.Tensor{Name: name, Dtype: w.dtype, Shape: shape, Bytes: bytes})
		numbers = append(numbers, x)
	}
	for l, m := range w.modules {
		if want := m.Out * m.Columns(); l >= len(parts) || int64(len(parts[l])) != want {
			return problem(w.dir, "a direction of module %q needs %d numbers", m.Name, want)
		}
		weight, bias := m.Weights(parts[l])
		ofWeight, ofBias := m.Parameters()
		add(ofWeight, weight, m.WeightShape()...)
		if m.Bias {
			add(ofBias, bias, m.Out)
		}
	}
	header, err := dataset.SafetensorsHeaderBytes(map[string]string{"format": "pt", "query": key}, tensors)
	if err != nil {
		return err
	}
	file := directionFile{Key: key, Row: row, File: fmt.Sprintf("%05d.safetensors", row)}
	err = durable.Write(filepath.Join(w.dir, file.File), func(to io.Writer) error {
		b := bufio.NewWriterSize(to, 1<<20)
		_, err := b.Write(header)
		for _, x := range numbers {
			err = errors.Join(err, w.writeNumbers(b, x))
		}
		return errors.Join(err, b.Flush())
	})
	w.index.Queries = append(w.index.Queries, file)
	return err
}

// writeNumbers writes numbers in the type of the files.
func (w *DirectionWriter) writeNumbers(to io.Writer, x []float64) error {
	var b []byte
	for _, v := range x {
		if w.dtype == "F64" {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		} else {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v)))
		}
	}
	_, err := to.Write(b)
	return err
}

// Close writes directions.json.
func (w *DirectionWriter) Close() error {
	return durable.WriteJSON(filepath.Join(w.dir, directionsName), " ", w.index)
}
