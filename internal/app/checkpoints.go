package app

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// checkpointSides are the vectors of both sides at one checkpoint.
type checkpointSides struct {
	name         string // among the fingerprints; "" without --checkpoint
	rate         float64
	train, query *vectorSide // query is nil for self-influence

	common    *Common
	dir       string                 // the folder; "" without --checkpoint
	more      map[string]*vectorSide // further files of it that a method has asked for
	optimizer string                 // the file of the optimiser's state that a method has read
}

// splitCheckpoint reads DIR[@LR]. Without a rate it is 1, where none is needed.
func splitCheckpoint(text string, rated bool) (dir string, rate float64, err error) {
	at := strings.LastIndexByte(text, '@')
	if at < 0 {
		if rated {
			return text, 0, fmt.Errorf("--checkpoint %s: say the learning rate there, %[1]s@0.1 for example", text)
		}
		return text, 1, nil
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
		s := &checkpointSides{rate: 1, common: c}
		return []*checkpointSides{s}, s.open(c, o.Train, o.Query)
	}
	for i, text := range o.Checkpoints {
		dir, rate, err := splitCheckpoint(text, m.rated)
		if err != nil {
			return out, err
		}
		s := &checkpointSides{name: fmt.Sprintf("checkpoint %d", i), rate: rate, common: c, dir: dir}
		out = append(out, s)
		query := sidePath(dir, "query")
		if self {
			query = ""
		}
		if err := s.open(c, sidePath(dir, "train"), query); err != nil {
			return out, fmt.Errorf("--checkpoint %s: %w", text, err)
		}
	}
	return out, nil
}

// sidePath returns the folder of a side in a checkpoint's folder, or the one file
// with that name before its extension.
func sidePath(dir, side string) string {
	path := filepath.Join(dir, side)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if found, err := filepath.Glob(path + ".*"); err == nil && len(found) == 1 {
		return found[0]
	}
	return path
}

func (s *checkpointSides) open(c *Common, train, query string) (err error) {
	if s.train, err = openVectorSide(c, train); err != nil || query == "" {
		return err
	}
	s.query, err = openVectorSide(c, query)
	return err
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
