package capture

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
)

const (
	formatName    = "infl-capture"
	formatVersion = 1
	manifestName  = "manifest.json"

	// maxManifest bounds a manifest in bytes: a million modules fit.
	maxManifest = 1 << 30
)

// The levels of a capture: what is stored of a module.
const (
	Rows      = "rows"       // inputs and gradients of outputs
	Grads     = "grads"      // a gradient matrix for each example
	Projected = "projected"  // a projection of that matrix
	Factors   = "factors"    // sums of outer products of rows, for all examples together
	LastLayer = "last_layer" // rows of the last layer, one for each example, with its outputs and labels
)

// levels are all of them.
var levels = []string{Rows, Grads, Projected, Factors, LastLayer}

// The layouts of an input group.
const (
	RowsLayout    = "rows"    // rows × width numbers
	NCHWLayout    = "nchw"    // images, from which the rows of a convolution are cut
	IndicesLayout = "indices" // one row number of an embedding's table for each row
)

// The kinds of modules.
const (
	Linear    = "linear"
	Conv2D    = "conv2d"
	Embedding = "embedding"
)

// A Manifest says what a capture holds. Names and meanings of the JSON fields are
// those of the file.
type Manifest struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	Level   string `json:"level"` // one of the levels
	Dtype   string `json:"dtype"` // of inputs and gradients, also where they are summed: F64, F32, BF16 or F16
	Split   string `json:"split"` // for example train or query
	N       int64  `json:"n"`     // examples

	Model       Model             `json:"model,omitzero"`
	Loss        Loss              `json:"loss"`
	Checkpoint  Checkpoint        `json:"checkpoint"`
	Dataset     Dataset           `json:"dataset"`
	BiasColumn  string            `json:"bias_column,omitempty"` // a remark for people
	RowSets     map[string]RowSet `json:"row_sets"`
	InputGroups []InputGroup      `json:"input_groups"`
	Modules     []Module          `json:"modules"`        // in forward order
	Head        *Head             `json:"head,omitempty"` // at level last_layer only

	// Projection is what gradients went through at level projected, those of module m the
	// one with Seed + m, unless they had no more numbers than it gives.
	Projection *influence.Projection `json:"projection,omitempty"`

	// Basis is, at level factors, the digest of the eigenbases in which squares of gradients
	// are summed, as the package ekfac makes it; empty where covariances are.
	Basis string `json:"basis,omitempty"`

	Coverage Coverage `json:"coverage"`
	Shards   []Shard  `json:"shards"`
}

// A Model identifies the weights that were captured. Captures with the same
// fingerprint come from the same weights; how it is computed is the writer's affair.
type Model struct {
	Name        string `json:"name,omitempty"`
	Fingerprint string `json:"fingerprint,omitempty"` // empty where it is not known
}

// A Loss says of what the gradients are.
type Loss struct {
	Name        string  `json:"name"`
	Reduction   string  `json:"reduction"`            // over an example's positions: always sum
	Labels      string  `json:"labels"`               // dataset, or sampled from the model's own prediction
	Seed        *uint64 `json:"seed,omitempty"`       // of sampled labels
	Measurement string  `json:"measurement"`          // what the gradient of a query row is of
	Scale       float64 `json:"loss_scale,omitempty"` // that gradients were divided by again
}

// A Checkpoint is the moment of training.
type Checkpoint struct {
	ID           string  `json:"id,omitempty"`
	Step         int64   `json:"step,omitempty"`
	LearningRate float64 `json:"lr,omitempty"`
	Weight       float64 `json:"weight,omitempty"` // of this checkpoint in sums over checkpoints
}

// A Dataset says where the examples come from and what their keys mean.
type Dataset struct {
	Name string `json:"name,omitempty"`
	IDs  string `json:"ids,omitempty"`
	Note string `json:"note,omitempty"`
}

// A RowSet is the number of rows of each example, or [Ragged].
type RowSet int64

// Ragged is a row set whose examples have rows of different number.
const Ragged RowSet = -1

// MarshalJSON writes the number, or "ragged".
func (r RowSet) MarshalJSON() ([]byte, error) {
	if r == Ragged {
		return []byte(`{"rows":"ragged"}`), nil
	}
	return fmt.Appendf(nil, `{"rows":%d}`, int64(r)), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (r *RowSet) UnmarshalJSON(b []byte) error {
	var j struct {
		Rows json.RawMessage `json:"rows"`
	}
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	if string(j.Rows) == `"ragged"` {
		*r = Ragged
		return nil
	}
	n, err := strconv.ParseInt(string(j.Rows), 10, 64)
	if err != nil || n < 1 {
		return fmt.Errorf("row_sets: rows is %q, neither a number from 1 up nor \"ragged\"", j.Rows)
	}
	*r = RowSet(n)
	return nil
}

// An InputGroup is an input that one or several modules share.
type InputGroup struct {
	Name   string `json:"name"`
	Width  int64  `json:"width"` // numbers of a row
	Layout string `json:"layout"`
	RowSet string `json:"row_set"`
}

// A Module is a map from in to out numbers, with the weights that it has in the
// training program.
type Module struct {
	Name         string   `json:"name"`
	Kind         string   `json:"kind"`
	Bias         bool     `json:"bias"`
	InputGroup   string   `json:"input_group"`
	RowSet       string   `json:"row_set"`
	In           int64    `json:"in"` // of an embedding: the rows of its table
	Out          int64    `json:"out"`
	WeightLayout string   `json:"weight_layout"` // out_in or in_out, in the training program
	Conv         *Conv    `json:"conv,omitempty"`
	Params       []string `json:"params"`
}

// Columns returns in, and one more where the module has a bias: out × Columns is
// the shape of its gradient.
func (m *Module) Columns() int64 {
	if m.Bias {
		return m.In + 1
	}
	return m.In
}

// String writes kind and size for people.
func (m *Module) String() string {
	bias := "without bias"
	if m.Bias {
		bias = "with bias"
	}
	return fmt.Sprintf("%s %d → %d %s, %s", m.Kind, m.In, m.Out, bias, m.WeightLayout)
}

// A Head says what a capture of level last_layer tells of its examples beside the rows of
// the layer.
type Head struct {
	Logits bool `json:"logits"` // the layer's outputs
	Labels bool `json:"labels"` // the numbers of the examples' classes, from 0
}

// HasRows reports whether inputs and gradients of outputs are stored, row by row.
func (m *Manifest) HasRows() bool { return m.Level == Rows || m.Level == LastLayer }

// A Conv is the geometry of a convolution, height before width. Its inputs are
// patches of channels × kernel numbers, one for each position of the output in
// row-major order; beyond the image lie zeros.
type Conv struct {
	Kernel     [2]int64 `json:"kernel"`
	Stride     [2]int64 `json:"stride"`
	Padding    [2]int64 `json:"padding"`
	Dilation   [2]int64 `json:"dilation"`
	Groups     int64    `json:"groups"`
	InShape    [3]int64 `json:"in_shape"`  // channels, height, width
	OutShape   [2]int64 `json:"out_shape"` // height, width
	PatchOrder string   `json:"patch_order"`
}

// A Coverage says which share of the model's parameters is captured.
type Coverage struct {
	Captured int64    `json:"captured_params"`
	Total    int64    `json:"total_params"`
	Skipped  []string `json:"skipped"`
}

// A Shard is a file with consecutive examples. It has at least one checksum of all its
// bytes, in hexadecimal digits: XXH3-64 from writers here, which keeps up with
// memory, or SHA-256.
type Shard struct {
	File   string `json:"file"`
	First  int64  `json:"first"`
	N      int64  `json:"n"`
	XXH3   string `json:"xxh3,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
}

// Module returns a module by its name.
func (m *Manifest) Module(name string) (*Module, bool) {
	i := slices.IndexFunc(m.Modules, func(x Module) bool { return x.Name == name })
	if i < 0 {
		return nil, false
	}
	return &m.Modules[i], true
}

// Group returns an input group by its name.
func (m *Manifest) Group(name string) (*InputGroup, bool) {
	i := slices.IndexFunc(m.InputGroups, func(x InputGroup) bool { return x.Name == name })
	if i < 0 {
		return nil, false
	}
	return &m.InputGroups[i], true
}

// dtypes are the types of stored numbers by the names of the format.
var dtypes = map[string]dataset.Dtype{
	"F64": dataset.Float64, "F32": dataset.Float32, "BF16": dataset.BFloat16, "F16": dataset.Float16,
}

// ReadManifest reads and checks the manifest of a capture folder. Every error is a
// [*dataset.Error] that names the file and the field.
func ReadManifest(dir string) (*Manifest, error) {
	path := filepath.Join(dir, manifestName)
	f, err := os.Open(path)
	if err != nil {
		return nil, caused(path, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxManifest))
	if err != nil {
		return nil, caused(path, err)
	}
	return parseManifest(path, b)
}

func parseManifest(path string, b []byte) (*Manifest, error) {
	m := &Manifest{}
	if err := json.Unmarshal(b, m); err != nil {
		e := problem(path, "is not understood: %v", err)
		e.Err = err
		return nil, e
	}
	if err := m.check(); err != nil {
		return nil, caused(path, err)
	}
	return m, nil
}
