package app

import (
	"errors"
	"fmt"
	"slices"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
)

// Values of --per.
const (
	perModule = "module"
	perToken  = "token"
)

// validatePer lists what is wrong with --per and what goes with it.
func (o *ScoreOptions) validatePer() error {
	if o.Per == "" {
		return nil
	}
	if o.Per != perModule && o.Per != perToken {
		return fmt.Errorf("--per %q is not known; use module or token", o.Per)
	}
	var errs []error
	refuse := func(set bool, flag, why string) {
		if set {
			errs = append(errs, fmt.Errorf("--per %s and %s: %s", o.Per, flag, why))
		}
	}
	refuse(o.Self, "--self", "self-influence has one number for a row; leave one of them out")
	refuse(o.Normalize == "cosine", "--normalize cosine", "a cosine is no sum over parts; leave one of them out")
	if o.Per == perToken {
		refuse(o.Remove != "", "--remove", "a set of rows has no tokens; leave one of them out")
		refuse(o.Normalize != "" && o.Normalize != "none" && o.Normalize != "cosine", "--normalize "+o.Normalize, "the norm is that of a whole row; leave one of them out")
		refuse(o.Projection != "", "--projection", "projected gradients have no tokens; leave one of them out")
	}
	return errors.Join(errs...)
}

// tokens are the parts that single rows of a capture's examples have in its gradients.
type tokens struct {
	modules []int               // of the side's blocks, those that have tokens
	parts   []influence.Vectors // of these
	starts  []int64             // where the tokens of each example begin, and the last one's end
	skipped []string            // modules without tokens
}

// tokens finds the modules of a capture whose examples have several rows, and these rows
// as vectors formed in a dtype.
func (s *vectorSide) tokens(d dataset.Dtype) (*tokens, error) {
	if s.capture == nil {
		return nil, fmt.Errorf("%s: --per token needs a capture folder with inputs and output gradients of each token", s.path)
	}
	t, set := &tokens{}, ""
	for i, m := range s.capture.Manifest().Modules {
		inputs, outputs := s.capture.TokenRows(m.Name)
		if inputs == nil || s.capture.Manifest().RowSets[m.RowSet] == 1 {
			t.skipped = append(t.skipped, m.Name)
			continue
		}
		if set != "" && set != m.RowSet {
			return nil, fmt.Errorf("%s: modules have rows of the sets %s and %s, which are not the same tokens", s.path, set, m.RowSet)
		}
		set = m.RowSet
		part, err := influence.Outer(inputs, outputs, m.Bias, d)
		if err != nil {
			return nil, err
		}
		t.modules, t.parts = append(t.modules, i), append(t.parts, part)
	}
	if set == "" {
		return nil, fmt.Errorf("%s: has no module with the inputs and output gradients of several tokens, none of them flagged; --per module goes by modules", s.path)
	}
	t.starts = s.capture.Starts(set)
	return t, nil
}

// finer makes checkpoints and the scorer of a job those of --per.
func (v *vectorInquiry) finer(checkpoints []influence.Checkpoint) error {
	switch v.options.Per {
	case perModule:
		if names := v.train().names; len(names) == 0 {
			return fmt.Errorf("%s: --per module needs a capture, or a folder with a file for each module", v.train().path)
		}
	case perToken:
		for i, s := range v.checkpoints {
			t, err := s.train.tokens(dataset.Dtype(v.options.Dtype))
			if err != nil {
				return err
			}
			if i == 0 {
				v.tokens = t
			} else if !slices.Equal(t.starts, v.tokens.starts) || !slices.Equal(t.modules, v.tokens.modules) {
				return fmt.Errorf("%s: has other tokens than %s", s.train.path, v.train().path)
			}
			c := &checkpoints[i]
			c.Train, c.Query, c.Scored = picked(c.Train, t.modules), picked(c.Query, t.modules), t.parts
		}
		if skipped := v.tokens.skipped; len(skipped) > 0 {
			v.warn("%s: without tokens, and left out: %s", v.train().path, joinNames(skipped))
		}
	}
	return nil
}

// moduleNames are the names of the blocks that finer left, where they have some.
func (v *vectorInquiry) moduleNames() []string {
	names := v.train().names
	if v.tokens == nil {
		return names
	}
	var out []string
	for _, m := range v.tokens.modules {
		out = append(out, names[m])
	}
	return out
}

// picked returns some of the blocks; nil for nil.
func picked(blocks []influence.Vectors, which []int) []influence.Vectors {
	if blocks == nil {
		return nil
	}
	out := make([]influence.Vectors, len(which))
	for i, w := range which {
		out[i] = blocks[w]
	}
	return out
}

// tokenRows returns the tokens of train rows, as numbers over the whole capture.
func (t *tokens) tokenRows(rows influence.Rows) influence.Rows {
	if whole, ok := rows.Contiguous(); ok {
		return influence.RowRange(t.starts[whole.Lo], t.starts[whole.Hi])
	}
	var out []int64
	for j := range rows.Len() {
		for at := t.starts[rows.At(j)]; at < t.starts[rows.At(j)+1]; at++ {
			out = append(out, at)
		}
	}
	return influence.RowList(out)
}
