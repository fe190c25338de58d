package app

import (
	"context"
	"math"
	"path/filepath"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/sink"
)

// A tally adds up what the lists of a run say about train rows and queries.
type tally struct {
	train   []trainTally         // by train row
	mass    map[int64]float64    // absolute score of each query row's lists
	heat    map[[2]int32]float64 // sum of scores by query group and train group
	cells   map[cellRow]float64  // sum of scores by query group and train row
	outputs map[int32]bool
	lists   bool // the run kept lists
}

// A cellRow is a train row in a row of the heat map.
type cellRow struct {
	down int32
	row  int64
}

// trainTally is what the lists say of one train row.
type trainTally struct {
	sum          float64
	helps, harms int32
	others       int32 // harmed queries with another label
}

// mean is the mean score of the row in the lists that hold it.
func (x trainTally) mean() float64 { return x.sum / float64(x.harms+x.helps) }

// readTally reads scores.parquet once.
func (r *reporting) readTally(ctx context.Context) error {
	t := &tally{mass: make(map[int64]float64), heat: make(map[[2]int32]float64), cells: make(map[cellRow]float64), outputs: make(map[int32]bool)}
	r.tally = t
	if !r.has("scores.parquet") {
		return nil
	}
	t.lists = true
	differ := r.labelsDiffer()
	return sink.ReadScores(ctx, r.dir, func(row sink.ScoreRow) error {
		for int64(len(t.train)) <= row.TrainRow {
			t.train = append(t.train, trainTally{})
		}
		x := &t.train[row.TrainRow]
		x.sum += row.Score
		if row.Side == sink.Harmful || row.Side == sink.Low {
			x.harms++
			if r.s != nil && differ(row.TrainRow, row.QueryRow) {
				x.others++
			}
		} else {
			x.helps++
		}
		t.mass[row.QueryRow] += math.Abs(row.Score)
		t.outputs[row.Output] = true
		if r.across != nil && r.down != nil {
			down := r.down.of(row.QueryRow)
			t.heat[[2]int32{down, r.across.of(row.TrainRow)}] += row.Score
			t.cells[cellRow{down, row.TrainRow}] += row.Score
		}
		return nil
	})
}

// of returns the tally of a train row that may be in no list.
func (t *tally) of(row int64) trainTally {
	if row < int64(len(t.train)) {
		return t.train[row]
	}
	return trainTally{}
}

// has reports whether the run has an output of that name.
func (r *reporting) has(name string) bool {
	for _, o := range r.record.Outputs {
		if o.Name == name {
			return true
		}
	}
	return false
}

// trainValues is one number for each scored train row.
type trainValues struct {
	column  string // of rows.parquet: sum or self; "" where they come from lists
	rows    []int64
	values  []float64
	queries int64 // over which the values are means; 0 where they are sums or about no query
}

// readValues reads the scored train rows from rows.parquet, and their sums or
// self-influence where the run has them. Sums over groups of queries and over
// outputs are added; where the number of queries is known, they become means.
func (r *reporting) readValues(ctx context.Context) error {
	if !r.has("rows.parquet") {
		return nil
	}
	t, err := dataset.Open(filepath.Join(r.dir, "rows.parquet"), dataset.Options{Workers: r.options.Workers})
	if err != nil {
		return err
	}
	v := &trainValues{}
	features := []dataset.Feature{{Name: "train_row"}}
	for _, c := range t.Columns() {
		if c.Name == "sum" || c.Name == "self" {
			v.column = c.Name
			features = append(features, dataset.Feature{Name: c.Name})
		}
	}
	bound, err := t.Bind(dataset.Binding{Features: features})
	if err != nil {
		return err
	}
	for frame, err := range bound.Frames(ctx) {
		if err != nil {
			return err
		}
		for i := range frame.N {
			row := int64(frame.X[0][i])
			if n := len(v.rows); n == 0 || v.rows[n-1] != row {
				v.rows = append(v.rows, row)
				v.values = append(v.values, 0)
			}
			if v.column != "" {
				v.values[len(v.values)-1] += frame.X[1][i]
			}
		}
	}
	if v.column == "" {
		for i, row := range v.rows {
			v.values[i] = r.tally.of(row).sum
		}
	}
	if v.column != "self" {
		v.queries = r.queryCount()
		for i := range v.values {
			v.values[i] /= float64(max(v.queries, 1))
		}
	}
	r.values = v
	return nil
}

// queryCount is the number of queries of the run; 0 where neither the tables are
// read nor lists are kept.
func (r *reporting) queryCount() int64 {
	if r.s != nil && r.s.queries != nil {
		return r.s.queries.Rows()
	}
	if r.inputs != nil && r.inputs.queryRows > 0 {
		return r.inputs.queryRows
	}
	return int64(len(r.tally.mass))
}
