package app

import (
	"fmt"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/store"
)

// inspectStore says what another tool's folder or file of gradients or scores holds,
// or ours. It reads heads only.
func inspectStore(path string, add func(string, any)) (err error) {
	s, err := store.Open(path, dataset.MatrixOptions{})
	if err != nil {
		return err
	}
	defer func() {
		if closing := s.Close(); err == nil {
			err = closing
		}
	}()
	add("kind", string(s.Kind()))
	if scores := s.Scores(); scores != nil {
		inspectScores(scores, add)
	} else if len(s.Blocks()) > 0 {
		inspectGradients(s, add)
	}
	for _, f := range s.Facts() {
		add(f.Name, f.Value)
	}
	add("bytes", s.Bytes())
	return nil
}

func inspectGradients(s *store.Store, add func(string, any)) {
	blocks := s.Blocks()
	numbers := 0
	for _, b := range blocks {
		numbers += b.Cols()
	}
	add("rows", blocks[0].Rows())
	add("numbers of a row", numbers)
	add("dtype", string(blocks[0].Dtype()))
	for _, b := range blocks {
		if b.Name != "" {
			add("module "+b.Name, fmt.Sprintf("%d numbers", b.Cols()))
		}
	}
	switch k := s.Keys(); {
	case k == nil:
		add("keys", "row numbers")
	case k.IsInt():
		add("keys", "integers")
	default:
		add("keys", "text")
	}
	add("sign", "gradients have none; scores of them follow infl's: positive helps the query")
}

func inspectScores(s *store.Scores, add func(string, any)) {
	if s.Self {
		add("scores of", "train rows with themselves")
	} else {
		add("queries", s.Queries())
	}
	add("train rows", s.Train())
	if s.Tokens > 1 {
		add("tokens of a train row", s.Tokens)
	}
	add("dtype", string(s.Blocks[0].Dtype()))
	for _, b := range s.Blocks {
		if b.Name != "" {
			add("module", b.Name)
		}
	}
	add("positive_means", s.PositiveMeans)
	add("sign", "as infl's: nothing has to be turned")
}
