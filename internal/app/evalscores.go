package app

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/sink"
)

// A scoredRun is a finished run of infl score.
type scoredRun struct {
	dir    string
	record sink.Record
	matrix *dataset.Matrix // nil where the run has none
}

// openScored opens a run folder. Scores must be about losses of queries.
func openScored(dir string) (*scoredRun, error) {
	record, state, err := sink.ReadRecord(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("%s: is no run folder; make one with infl score --matrix=npy", dir)
	case err != nil:
		return nil, err
	case state != sink.Done:
		return nil, fmt.Errorf("%s: the run is unfinished; run its infl score again", dir)
	}
	s := &scoredRun{dir: dir, record: record}
	if command := s.flag("command"); command != "score" {
		return nil, fmt.Errorf("%s: is a run of infl %s; name one of infl score", dir, command)
	}
	if of := s.flag("of"); of != "" && of != "loss" {
		return nil, fmt.Errorf("%s: the scores are about the %s of queries; eval compares losses", dir, of)
	}
	for _, name := range []string{"matrix.npy", "matrix.arrow"} {
		if !s.has(name) {
			continue
		}
		if s.matrix, err = dataset.OpenMatrix(filepath.Join(dir, name), dataset.MatrixOptions{BlockRows: 1}); err != nil {
			return nil, err
		}
		break
	}
	return s, nil
}

// flag returns a text of the run's configuration.
func (s *scoredRun) flag(name string) string { return configured(s.record, name) }

// configured returns a text of a run's configuration; "" where there is none.
func configured(r sink.Record, name string) string {
	config, _ := r.Configuration.(map[string]any)
	text, _ := config[name].(string)
	return text
}

func (s *scoredRun) has(name string) bool {
	return slices.ContainsFunc(s.record.Outputs, func(o sink.Output) bool { return o.Name == name })
}

// needMatrix returns an error unless the run has the scores of all its train rows.
func (s *scoredRun) needMatrix() error {
	switch {
	case s.matrix == nil:
		return fmt.Errorf("%s: has no matrix of scores; run its infl score with --matrix=npy", s.dir)
	case s.flag("rows") != "":
		return fmt.Errorf("%s: has the scores of some train rows only (--rows); score all of them", s.dir)
	case s.flag("per") != "" || s.flag("remove") != "" && s.flag("remove") != byRows:
		return fmt.Errorf("%s: has scores of parts or sets of train rows (--per, --remove); score the rows", s.dir)
	}
	return nil
}

// queries yields the scores of one query after the other, in the order of the train
// rows. A slice is valid until the next one.
func (s *scoredRun) queries(ctx context.Context) iter.Seq2[[]float64, error] {
	return func(yield func([]float64, error) bool) {
		out := make([]float64, s.matrix.Cols())
		for block, err := range s.matrix.Blocks(ctx, 0, s.matrix.Rows()) {
			if err != nil {
				yield(nil, err)
				return
			}
			copy(out, block.Float64)
			for i, v := range block.Float32 {
				out[i] = float64(v)
			}
			if !yield(out, nil) {
				return
			}
		}
	}
}

func (s *scoredRun) close() error {
	if s.matrix == nil {
		return nil
	}
	return s.matrix.Close()
}
