package ekfac

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/infl-dev/infl/influence/capture"
)

const (
	formatName    = "infl-factors"
	formatVersion = 1
	headName      = "factors.json"
)

// A head is factors.json: what a folder of factors holds.
type head struct {
	Format  string   `json:"format"`
	Version int      `json:"version"`
	Tool    string   `json:"tool,omitempty"` // that fitted, where it was not infl
	Method  Strategy `json:"method"`
	Sharing Sharing  `json:"sharing"`
	Labels  Labels   `json:"labels"`
	Blocks  int      `json:"blocks"`
	Dtype   string   `json:"dtype"` // of the arithmetic in leaves of sums: F32 or F64

	Model      capture.Model      `json:"model,omitzero"`
	Checkpoint capture.Checkpoint `json:"checkpoint"`
	Loss       capture.Loss       `json:"loss"`
	Input      string             `json:"input"`            // digest of keys, losses and token counts of the examples
	Summed     bool               `json:"summed,omitempty"` // covariances are those of a capture of level factors

	Modules []Module                     `json:"modules"` // in forward order
	Left    []string                     `json:"left_out"`
	Sums    map[string]map[string]string `json:"xxh3"` // XXH3-64 of each tensor, by file and key
}

// check says what cannot be in a head.
func (h *head) check() error {
	if h.Format != formatName || h.Version != formatVersion {
		return fmt.Errorf("is %q version %d; this infl reads %q version %d", h.Format, h.Version, formatName, formatVersion)
	}
	if h.Method != EKFAC && h.Method != KFAC && h.Method != Diagonal {
		return fmt.Errorf("holds factors of the method %q, which is not known", h.Method)
	}
	const most = 1 << 24 // of inputs or outputs: products of two stay small
	inputs := map[string]int64{}
	for i := range h.Modules {
		m := &h.Modules[i]
		if _, twice := inputs[m.Name]; twice || m.In < 1 || m.Out < 1 || m.In > most || m.Out > most || m.Examples < 1 || m.Rows < 0 {
			return fmt.Errorf("module %q stands twice, or its sizes are not possible", m.Name)
		}
		inputs[m.Name] = m.Columns()
		if first, there := inputs[m.Inputs]; !there || first != m.Columns() {
			return fmt.Errorf("module %q has the inputs of %q, which is no module of as many before it", m.Name, m.Inputs)
		}
	}
	return nil
}

// inputPrint is a digest of the keys, losses and token counts of the first examples of a
// capture. It does not depend on shards.
func inputPrint(ctx context.Context, c *capture.Capture, n int64) (string, error) {
	h := xxh3.New()
	var text []byte
	for b, err := range c.Blocks(ctx, 0, n, capture.BlockOptions{Modules: []string{}, Examples: 4096}) {
		if err != nil {
			return "", err
		}
		text = text[:0]
		for i := range b.Examples {
			text = binary.LittleEndian.AppendUint64(text, uint64(b.IDs[i]))
			text = binary.LittleEndian.AppendUint64(text, math.Float64bits(b.Loss[i]))
			text = binary.LittleEndian.AppendUint64(text, uint64(b.Tokens[i]))
		}
		if _, err := h.Write(text); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%016x", h.Sum64()), nil
}

// identity is a digest of what is fitted and how, whatever has been found.
func (h *head) identity() string {
	bare := *h
	bare.Sums = nil
	bare.Modules = slices.Clone(h.Modules)
	for i := range bare.Modules {
		bare.Modules[i].Changes = Changes{}
	}
	text, err := json.Marshal(bare)
	if err != nil { // Numbers that are not finite are the only ones that it cannot write.
		return err.Error()
	}
	return fmt.Sprintf("%016x", xxh3.Hash(text))
}

// noteChange keeps the change of a matrix; the modules that share it have the same.
func (h *head) noteChange(file, key string, change *float64) {
	for i := range h.Modules {
		m := &h.Modules[i]
		switch {
		case file == inputCovariance && m.Inputs == key:
			m.Changes.Inputs = change
		case file == outputCovariance && m.Name == key:
			m.Changes.Outputs = change
		case file == lambdaMatrix && m.Name == key:
			m.Changes.Lambda = change
		}
	}
}

// changeOf returns the change of a matrix, or nil.
func (h *head) changeOf(file, key string) *float64 {
	for i := range h.Modules {
		if m := &h.Modules[i]; m.Name == key {
			return map[string]*float64{
				inputCovariance: m.Changes.Inputs, outputCovariance: m.Changes.Outputs, lambdaMatrix: m.Changes.Lambda,
			}[file]
		}
	}
	return nil
}
