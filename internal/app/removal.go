package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/sink"
)

// Values of --remove beside @FILE.
const (
	byGroups = "groups" // the sets are the groups of --group
	byRows   = "rows"   // each train row is a set of its own
)

// validateRemoval lists what is wrong with --remove and what goes with it.
func (o *ScoreOptions) validateRemoval() error {
	if o.Remove == "" {
		return nil
	}
	var errs []error
	if o.Remove != byGroups && o.Remove != byRows && !strings.HasPrefix(o.Remove, "@") {
		errs = append(errs, fmt.Errorf("--remove %q is neither @FILE, with a key on each line and a blank line between sets, nor rows or groups", o.Remove))
	}
	if o.Remove == byGroups && o.Group == "" {
		errs = append(errs, errors.New("--remove groups needs --group: the column, or @FILE, whose groups are left out"))
	}
	if o.Rows != "" {
		errs = append(errs, errors.New("--rows: scores of --remove are about sets, which are named there; leave --rows out"))
	}
	if o.Self {
		errs = append(errs, errors.New("--self: a set of rows has no loss of its own; leave --self or --remove out"))
	}
	return errors.Join(errs...)
}

// removedSets are the sets of train rows that --remove names.
type removedSets struct {
	rows  []influence.Rows
	names sink.Keys // of the sets: their numbers, or the groups
}

// readSets reads the sets of --remove, once; nil without.
func (v *vectorInquiry) readSets(ctx context.Context) (*removedSets, error) {
	if v.options.Remove == "" || v.sets != nil {
		return v.sets, nil
	}
	if err := v.train().readNames(ctx, v.options.Key, v.options.Group); err != nil {
		return nil, err
	}
	sets := &removedSets{}
	switch v.options.Remove {
	case byRows:
		sets.names = v.train().keys
		for i := range v.train().rows() {
			sets.rows = append(sets.rows, influence.RowRange(i, i+1))
		}
	case byGroups:
		g := v.train().groups
		members := make([][]int64, len(g.Names))
		for i, group := range g.Of {
			members[group] = append(members[group], int64(i))
		}
		sets.names = groupNames(g.Names)
		for _, m := range members {
			sets.rows = append(sets.rows, influence.RowList(m))
		}
	default:
		listed, err := keySets(strings.TrimPrefix(v.options.Remove, "@"), v.train().keys)
		if err != nil {
			return nil, err
		}
		sets.names = sink.RowNumbers(len(listed))
		for _, rows := range listed {
			sets.rows = append(sets.rows, influence.RowList(rows))
		}
	}
	v.sets = sets
	return sets, nil
}

// keySets reads sets of rows from a file: a key on each line, a blank line between sets.
// The rows of a set ascend.
func keySets(path string, known *dataset.Keys) ([][]int64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("--remove: %w", err)
	}
	var sets [][]int64
	set := map[int64]bool{}
	lines := strings.Split(strings.TrimPrefix(string(text), "\ufeff"), "\n")
	for i, line := range append(lines, "") {
		line = strings.TrimRight(line, "\r")
		if line == "" {
			if len(set) > 0 {
				sets = append(sets, slices.Sorted(maps.Keys(set)))
			}
			clear(set)
			continue
		}
		row, ok := known.Find(line)
		if !ok {
			return nil, fmt.Errorf("%s:%d: no train row has the key %q", path, i+1, line)
		}
		if set[row] {
			return nil, fmt.Errorf("%s:%d: the set has the key %q twice", path, i+1, line)
		}
		set[row] = true
	}
	if len(sets) == 0 {
		return nil, fmt.Errorf("%s: holds no keys", path)
	}
	return sets, nil
}
