package capture

import (
	"slices"

	"github.com/infl-dev/infl/influence/dataset"
)

// Logits returns the outputs of the last layer as vectors, one for each example: at level
// last_layer, where they were captured and no example is flagged; else nil.
func (c *Capture) Logits() *dataset.Matrix {
	if !c.manifest.hasLogits() || slices.Contains(c.flagged, true) {
		return nil
	}
	return c.stored["z/"+c.manifest.Modules[0].Name]
}

// Labels returns the class of each example, a number of an output of the last layer: at
// level last_layer, where they were captured; else nil. The caller owns them.
func (c *Capture) Labels() []int64 { return slices.Clone(c.labels) }

// checkLabels names the first label that is no output of the last layer.
func (m *Manifest) checkLabels(path string, ids, labels []int64) error {
	classes := m.Modules[0].Out
	for i, y := range labels {
		if y < 0 || y >= classes {
			return problem(path, "labels: the example with the key %d has the class %d; there are %d", ids[i], y, classes)
		}
	}
	return nil
}
