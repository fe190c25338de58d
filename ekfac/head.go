package ekfac

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"

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
	Method  Strategy `json:"method"`
	Sharing Sharing  `json:"sharing"`
	Labels  Labels   `json:"labels"`
	Blocks  int      `json:"blocks"`
	Dtype   string   `json:"dtype"` // of the arithmetic in leaves of sums: F32 or F64

	Model      capture.Model      `json:"model,omitzero"`
	Checkpoint capture.Checkpoint `json:"checkpoint"`
	Loss       capture.Loss       `json:"loss"`
	Input      string             `json:"input"` // digest of keys, losses and token counts of the examples

	Modules []Module                     `json:"modules"` // in forward order
	Left    []string                     `json:"left_out"`
	Sums    map[string]map[string]string `json:"xxh3"` // XXH3-64 of each tensor, by file and key
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

// setChange notes how much the mean of a matrix changed between the left half of its tree
// and all of it.
func (h *head) setChange(file, key string, change float64) {
	for i := range h.Modules {
		m := &h.Modules[i]
		switch {
		case math.IsNaN(change):
		case file == inputCovariance && m.Inputs == key:
			m.Changes.Inputs = &change
		case file == outputCovariance && m.Name == key:
			m.Changes.Outputs = &change
		case file == lambdaMatrix && m.Name == key:
			m.Changes.Lambda = &change
		}
	}
}
