package app

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/influence/store"
)

// checkpointSides are the vectors of both sides at one checkpoint.
type checkpointSides struct {
	name         string // among the fingerprints; "" without --checkpoint
	rate         float64
	train, query *vectorSide // query is nil for self-influence

	common    *Common
	dtype     string                 // of --dtype
	dir       string                 // the folder; "" without --checkpoint
	more      map[string]*vectorSide // further files of it that a method has asked for
	optimizer string                 // the file of the optimiser's state that a method has read
}

// splitCheckpoint reads DIR[@LR]; the rate is NaN where none is given.
func splitCheckpoint(text string) (dir string, rate float64, err error) {
	at := strings.LastIndexByte(text, '@')
	if at < 0 {
		return text, math.NaN(), nil
	}
	rate, err = strconv.ParseFloat(text[at+1:], 64)
	if err != nil || rate-rate != 0 {
		return text, 0, fmt.Errorf("--checkpoint %s: the learning rate %q is not a number", text, text[at+1:])
	}
	return text[:at], rate, nil
}

// openCheckpoints opens the sides of all checkpoints, or those of --train and --query.
func openCheckpoints(c *Common, o *ModelOptions, m *vectorMethod, self bool) (out []*checkpointSides, err error) {
	if len(o.Checkpoints) == 0 {
		s := &checkpointSides{rate: 1, common: c, dtype: o.Dtype}
		return []*checkpointSides{s}, s.open(o.Train, o.Query)
	}
	for i, text := range expandModels(o.Checkpoints) {
		dir, rate, err := splitCheckpoint(text)
		if err != nil {
			return out, err
		}
		s := &checkpointSides{name: fmt.Sprintf("checkpoint %d", i), rate: rate, common: c, dtype: o.Dtype, dir: dir}
		out = append(out, s)
		if err := s.openFolder(self); err != nil {
			return out, fmt.Errorf("--checkpoint %s: %w", text, err)
		}
		if math.IsNaN(s.rate) {
			s.rate = 1
			if c := s.train.capture; c != nil {
				s.rate = c.Manifest().Checkpoint.LearningRate
			} else if m.rated {
				return out, fmt.Errorf("--checkpoint %s: say the learning rate there, %[1]s@0.1 for example", text)
			}
		}
	}
	return out, nil
}

// openFolder opens the sides of the checkpoint's folder.
func (s *checkpointSides) openFolder(self bool) error {
	train, err := sidePath(s.dir, "train")
	if err != nil {
		return err
	}
	query := ""
	if !self {
		if query, err = sidePath(s.dir, "query"); err != nil {
			return err
		}
	}
	return s.open(train, query)
}

// sidePath returns the folder of a side in a checkpoint's folder, or the one file
// with that name before its extension. TRAK has other names for them.
func sidePath(dir, side string) (string, error) {
	if path, ok, err := store.TRAKSide(dir, side); ok || err != nil {
		return path, err
	}
	path := filepath.Join(dir, side)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if found, err := filepath.Glob(path + ".*"); err == nil && len(found) == 1 {
		return found[0], nil
	}
	return path, nil
}

func (s *checkpointSides) open(train, query string) (err error) {
	if s.train, err = openVectorSide(s.common, train, s.dtype); err != nil || query == "" {
		return err
	}
	if s.query, err = openVectorSide(s.common, query, s.dtype); err != nil {
		return err
	}
	if s.train.capture != nil && s.query.capture != nil {
		return capture.SameModel(s.train.capture, s.query.capture)
	}
	return nil
}

// sides returns the open sides by the names of their fingerprints.
func (s *checkpointSides) sides() map[string]*vectorSide {
	all := maps.Clone(s.more)
	if all == nil {
		all = map[string]*vectorSide{}
	}
	all["train"], all["query"] = s.train, s.query
	out := map[string]*vectorSide{}
	for name, side := range all {
		if side == nil {
			continue
		}
		if s.name != "" {
			name = s.name + "/" + name
		}
		out[name] = side
	}
	return out
}

func (s *checkpointSides) close() error {
	var errs []error
	for _, side := range s.sides() {
		errs = append(errs, side.close())
	}
	return errors.Join(errs...)
}
