package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/infl-dev/infl/influence"
)

// prefilterKinds are the kinds of --prefilter KIND:N.
var prefilterKinds = []string{"idf-overlap", "nearest", "random"}

// A prefilter says which train rows are scored for each query.
type prefilter struct {
	kind string // one of prefilterKinds, or "" for a file
	keep int64  // train rows for each query
	file string
}

// parsePrefilter reads KIND:N or @FILE.
func parsePrefilter(text string) (prefilter, error) {
	if file, ok := strings.CutPrefix(text, "@"); ok {
		return prefilter{file: file}, nil
	}
	kind, number, _ := strings.Cut(text, ":")
	if !slices.Contains(prefilterKinds, kind) {
		return prefilter{}, fmt.Errorf("--prefilter %q is not known; use idf-overlap:N, nearest:N, random:N or @FILE", text)
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 1 {
		return prefilter{}, fmt.Errorf("--prefilter %s: %q is no number of train rows for each query, such as %s:10000", text, number, kind)
	}
	return prefilter{kind: kind, keep: n}, nil
}

// compares reports whether the filter reads something of both sides.
func (p prefilter) compares() bool { return p.kind == "idf-overlap" || p.kind == "nearest" }

// validatePrefilter lists what is wrong with --prefilter, and with flags that only it
// or a method on texts depends on.
func (o *ModelOptions) validatePrefilter(m method) error {
	var p prefilter
	var errs []error
	if o.Prefilter != "" {
		var err error
		if p, err = parsePrefilter(o.Prefilter); err != nil {
			return err
		}
	}
	if p.kind == "idf-overlap" {
		errs = append(errs, o.validateText("--prefilter idf-overlap"))
	} else if idle := o.setText(); len(idle) > 0 && !m.texts {
		errs = append(errs, fmt.Errorf("%s: only method idf-overlap and --prefilter idf-overlap compare texts", joinNames(idle)))
	}
	sides := o.PrefilterTrain != "" || o.PrefilterQuery != ""
	switch {
	case sides && !p.compares():
		errs = append(errs, errors.New("--prefilter-train and --prefilter-query are what --prefilter idf-overlap and nearest compare; leave them out"))
	case sides && (o.PrefilterTrain == "" || o.PrefilterQuery == ""):
		errs = append(errs, errors.New("--prefilter-train and --prefilter-query go together; name both"))
	case p.compares() && !sides && len(o.Checkpoints) > 0:
		errs = append(errs, fmt.Errorf("--prefilter %s: name what it compares by --prefilter-train and --prefilter-query", o.Prefilter))
	}
	return errors.Join(errs...)
}

// validateLists lists what a prefilter cannot be joined with.
func (o *ScoreOptions) validateLists() error {
	switch {
	case o.Prefilter == "":
		return nil
	case o.Per != "" || o.Remove != "":
		return errors.New("--prefilter: candidates are train rows, not parts or sets of them; leave --per and --remove out")
	case !o.Self && o.Matrix == "" && o.Aggregate == "" && o.Top > 0:
		return nil
	}
	return errors.New("--prefilter: only the lists of --top can be about some train rows; leave --self, --matrix and --aggregate out")
}

// restrict restricts work to candidates: the train rows that are some query's are scored
// for all queries, and lists keep those that are their own.
func (o *ScoreOptions) restrict(ctx context.Context, w *work) error {
	if o.Prefilter == "" {
		return nil
	}
	p, err := parsePrefilter(o.Prefilter)
	if err != nil {
		return err
	}
	all := w.job.Train
	lists, err := (&candidateFinder{options: o, prefilter: p, work: w}).find(ctx)
	if err != nil {
		return err
	}
	wanted, pairs := make([]bool, all.Len()), int64(0)
	for _, list := range lists {
		pairs += int64(len(list))
		for _, position := range list {
			wanted[position] = true
		}
	}
	rows, place := []int64{}, make([]int64, all.Len()) // of the union, and where a position is in it
	for position, in := range wanted {
		if in {
			place[position] = int64(len(rows))
			rows = append(rows, all.At(int64(position)))
		}
	}
	for _, list := range lists {
		for k, position := range list {
			list[k] = place[position]
		}
	}
	w.job.Train = influence.RowList(rows)
	w.out.TrainRows, w.out.Candidates = w.job.Train, lists
	percent := func(part, whole int64) float64 { return 100 * float64(part) / float64(max(1, whole)) }
	w.out.Description.Approximate = append(slices.Clone(w.out.Description.Approximate), fmt.Sprintf(
		"lists hold candidates of --prefilter %s only: %.3g %% of the pairs of a query and a train row, out of %.3g %% of the train rows",
		o.Prefilter, percent(pairs, all.Len()*w.job.Query.Len()), percent(int64(len(rows)), all.Len())))
	return nil
}
