package dataset

import (
	"context"
	"errors"
	"slices"
)

// Take returns the given columns of the given rows as text: out[j][c] is
// column c of row rows[j]. Rows may stand in any order and repeat; nil columns
// means all. Numbers of typed files are written as the shortest text that
// gives the same value, text files give what they hold, and a missing value is
// empty.
//
// Take reads the table once and stops after the last row asked for. It passes
// over whole shards and Parquet row groups that hold none. The error is an
// [*Error] or ctx's; a row outside the table is one.
func (t *Table) Take(ctx context.Context, rows []int64, columns []string) ([][]string, error) {
	if columns == nil {
		columns = namesOf(t.columns)
	}
	indices := make([]int, len(columns))
	for c, name := range columns {
		if indices[c] = t.column(name); indices[c] < 0 {
			return nil, at(t.path, problem("the column %q is not in the table", name).hint("%s", nearestHint(name, namesOf(t.columns))))
		}
	}
	only := slices.Compact(slices.Sorted(slices.Values(rows)))
	if len(only) == 0 {
		return [][]string{}, nil
	}
	if only[0] < 0 {
		return nil, at(t.path, problem("row %d is asked for; rows count from 0", only[0]))
	}
	found, err := t.take(ctx, only, indices)
	if err != nil {
		return nil, err
	}
	out := make([][]string, len(rows))
	for j, row := range rows {
		k, _ := slices.BinarySearch(only, row)
		out[j] = slices.Clone(found[k])
	}
	return out, nil
}

// take returns the columns of the rows in only, which is ascending.
func (t *Table) take(ctx context.Context, only []int64, indices []int) ([][]string, error) {
	a := &assembler{only: only}
	batch := make([][]string, len(indices))
	for c, i := range indices {
		batch[c] = make([]string, min(len(only), BatchRows))
		a.want(t, i, &textDecoder{batch[c]})
	}
	found := make([][]string, 0, len(only))
	a.flush = func(n int) error {
		for i := range n {
			row := make([]string, len(batch))
			for c := range batch {
				row[c] = batch[c][i]
			}
			found = append(found, row)
		}
		return nil
	}
	if err := t.scan(ctx, a); err != nil && !errors.Is(err, errStop) {
		return nil, err
	}
	if len(found) < len(only) {
		return nil, at(t.path, problem("row %d is outside the table, which has %d rows", only[len(found)], a.row))
	}
	return found, nil
}
