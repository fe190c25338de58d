package capture

import (
	"fmt"
	"path/filepath"

	"github.com/infl-dev/infl/internal/durable"
)

// A listedCheckpoint is a checkpoint as run.json has it.
type listedCheckpoint struct {
	Checkpoint
	Dir       string     `json:"dir"`
	Optimizer *Optimizer `json:"optimizer,omitempty"`
}

// WriteRun writes the run.json of a folder, in whose subfolders Dir the captures of
// checkpoints lie or will lie, in order of training. A weight of 0 is left out. Every
// error is a [*dataset.Error].
func WriteRun(dir string, checkpoints []RunCheckpoint) error {
	name := filepath.Join(dir, runName)
	run := struct {
		Format      string             `json:"format"`
		Version     int                `json:"version"`
		Checkpoints []listedCheckpoint `json:"checkpoints"`
	}{Format: runFormat, Version: formatVersion}
	for i, c := range checkpoints {
		if err := c.check(); err != nil {
			return caused(name, fmt.Errorf("checkpoints[%d]: %w", i, err))
		}
		run.Checkpoints = append(run.Checkpoints, listedCheckpoint{c.Checkpoint, filepath.ToSlash(c.Dir), c.Optimizer})
	}
	if err := durable.WriteJSON(name, " ", run); err != nil {
		return caused(name, err)
	}
	return nil
}
