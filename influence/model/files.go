package model

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/durable"
)

const (
	formatName    = "infl-model"
	formatVersion = 1
	modelName     = "model.json"
	weightsName   = "model.safetensors"

	// maxModel bounds model.json in bytes.
	maxModel = 1 << 28

	// maxLayers bounds the layers of a model.
	maxLayers = 1000
)

// A document is the content of model.json.
type document struct {
	Format      string     `json:"format"`
	Version     int        `json:"version"`
	Kind        Kind       `json:"kind"`
	Loss        Loss       `json:"loss"`
	Activation  Activation `json:"activation,omitempty"`
	Features    []string   `json:"features,omitempty"`
	Classes     []string   `json:"classes,omitempty"`
	Scaling     *Scaling   `json:"scaling,omitempty"`
	Layers      []size     `json:"layers"`
	Training    Training   `json:"training"`
	Fingerprint string     `json:"fingerprint"`
}

// A size is a layer without its weights, which are the tensors NAME.weight and
// NAME.bias.
type size struct {
	Name string `json:"name"`
	In   int    `json:"in"`
	Out  int    `json:"out"`
}

// document returns the model as JSON has it, but for the fingerprint.
func (m *Model) document() document {
	d := document{
		Format: formatName, Version: formatVersion, Kind: m.Kind, Loss: m.Loss, Activation: m.Activation,
		Features: m.Features, Classes: m.Classes, Scaling: m.Scaling, Training: m.Training,
	}
	for _, l := range m.Layers {
		d.Layers = append(d.Layers, size{l.Name, l.In, l.Out})
	}
	return d
}

// Fingerprint identifies what the model computes: the SHA-256, as hexadecimal digits,
// of its weights, scaling, shapes and functions. How it was trained is no part of it.
func (m *Model) Fingerprint() (string, error) {
	d := m.document()
	d.Training = Training{}
	text, err := json.Marshal(d)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	h.Write(text)
	for _, l := range m.Layers {
		if err := binary.Write(h, binary.LittleEndian, l.Theta); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Save writes the model into a folder, which it makes: model.safetensors with the
// tensors NAME.weight (out × in) and NAME.bias of each layer in float64, as PyTorch
// names them, and then model.json with everything else. Older files of these names are
// replaced; each appears when it is whole.
func (m *Model) Save(dir string) error {
	d := m.document()
	var err error
	if d.Fingerprint, err = m.Fingerprint(); err != nil {
		return caused(dir, err)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return caused(dir, err)
	}
	// What is half replaced must not look like a model.
	if err := durable.RemoveIfThere(filepath.Join(dir, modelName)); err != nil {
		return caused(dir, err)
	}
	if err := writeFile(filepath.Join(dir, weightsName), m.writeWeights); err != nil {
		return err
	}
	name := filepath.Join(dir, modelName)
	if err := durable.WriteJSON(name, " ", d); err != nil {
		return caused(name, err)
	}
	return nil
}

// writeWeights writes the safetensors file.
func (m *Model) writeWeights(w io.Writer) error {
	var tensors []dataset.Tensor
	var numbers bytes.Buffer
	for i := range m.Layers {
		l := &m.Layers[i]
		tensors = append(tensors,
			dataset.Tensor{Name: l.Name + ".weight", Dtype: "F64", Shape: []int64{int64(l.Out), int64(l.In)}, Bytes: int64(8 * l.Out * l.In)},
			dataset.Tensor{Name: l.Name + ".bias", Dtype: "F64", Shape: []int64{int64(l.Out)}, Bytes: int64(8 * l.Out)})
		biases := make([]float64, l.Out)
		for r := range l.Out {
			row := l.matrix().Row(r)
			biases[r] = row[l.In]
			if err := binary.Write(&numbers, binary.LittleEndian, row[:l.In]); err != nil {
				return err
			}
		}
		if err := binary.Write(&numbers, binary.LittleEndian, biases); err != nil {
			return err
		}
	}
	header, err := dataset.SafetensorsHeaderBytes(map[string]string{"format": formatName}, tensors)
	if err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	_, err = w.Write(numbers.Bytes())
	return err
}

// writeFile writes a file that appears under its name when it is whole and durable.
func writeFile(path string, write func(io.Writer) error) error {
	if err := durable.Write(path, write); err != nil {
		return caused(path, err)
	}
	return nil
}

// IsModel reports whether a path is a folder with a model, or a model.json of one.
func IsModel(path string) bool {
	b, err := readSome(jsonPath(path), maxModel)
	var j struct{ Format string }
	return err == nil && json.Unmarshal(b, &j) == nil && j.Format == formatName
}

// jsonPath returns the model.json that a path means.
func jsonPath(path string) string {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return filepath.Join(path, modelName)
	}
	return path
}

func readSome(path string, most int64) (_ []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return io.ReadAll(io.LimitReader(f, most))
}

// Load reads a model that [Model.Save] wrote: its folder, or the model.json in it.
// Every error is a [*dataset.Error] with the file and the field or tensor.
func Load(path string) (*Model, error) {
	path = jsonPath(path)
	b, err := readSome(path, maxModel)
	if err != nil {
		return nil, caused(path, err)
	}
	var d document
	if err := json.Unmarshal(b, &d); err != nil {
		return nil, problem(path, "is not understood: %v", err)
	}
	m := &Model{
		Kind: d.Kind, Loss: d.Loss, Activation: d.Activation, Features: d.Features, Classes: d.Classes,
		Scaling: d.Scaling, Training: d.Training,
	}
	if err := d.check(); err != nil {
		return nil, caused(path, err)
	}
	weights := filepath.Join(filepath.Dir(path), weightsName)
	if m.Layers, err = loadWeights(weights, d.Layers); err != nil {
		return nil, err
	}
	got, err := m.Fingerprint()
	if err != nil {
		return nil, caused(path, err)
	}
	if got != d.Fingerprint {
		return nil, problem(path, "fingerprint is %q, but with the weights of %s the model has %s; the files do not belong together", d.Fingerprint, weightsName, got)
	}
	return m, nil
}

// loadWeights reads the tensors of layers.
func loadWeights(path string, sizes []size) (_ []Layer, err error) {
	t, err := dataset.OpenTensors([]string{path}, true)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	var layers []Layer
	for _, s := range sizes {
		weights, err := floats(t, path, s.Name+".weight", int64(s.Out), int64(s.In))
		if err != nil {
			return nil, err
		}
		biases, err := floats(t, path, s.Name+".bias", int64(s.Out))
		if err != nil {
			return nil, err
		}
		l := Layer{Name: s.Name, In: s.In, Out: s.Out, Theta: make([]float64, s.Out*(s.In+1))}
		for r := range s.Out {
			copy(l.matrix().Row(r), weights[r*s.In:][:s.In])
			l.matrix().Row(r)[s.In] = biases[r]
		}
		layers = append(layers, l)
	}
	return layers, nil
}

// floats reads a tensor of finite numbers, whose shape must be as given.
func floats(t *dataset.Tensors, path, name string, shape ...int64) ([]float64, error) {
	x, there := t.Header(0).Tensor(name)
	switch {
	case !there:
		return nil, problem(path, "has no tensor %q", name)
	case fmt.Sprint(x.Shape) != fmt.Sprint(shape):
		return nil, problem(path, "tensor %q has the shape %v, not %v", name, x.Shape, shape)
	case x.Dtype != "F64":
		return nil, problem(path, "tensor %q is %s, not F64", name, x.Dtype)
	}
	count := int64(1)
	for _, n := range shape {
		count *= n
	}
	out, err := t.Floats(0, name, 0, count)
	if err != nil {
		return nil, err
	}
	for i, v := range out {
		if v-v != 0 {
			return nil, problem(path, "tensor %q: number %d is %v", name, i, v)
		}
	}
	return out, nil
}

// problem returns the error of this package about a file.
func problem(path, format string, args ...any) *dataset.Error {
	return &dataset.Error{Path: path, Row: -1, Problem: fmt.Sprintf(format, args...)}
}

// caused returns an error about a file that stands on another one.
func caused(path string, err error) *dataset.Error {
	var known *dataset.Error
	if errors.As(err, &known) {
		return known
	}
	text := err.Error()
	var system *fs.PathError
	if errors.As(err, &system) {
		text = system.Err.Error()
	}
	e := problem(path, "%s", text)
	e.Err = err
	return e
}
