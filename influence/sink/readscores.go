package sink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// readBatchRows is the number of rows that a reader holds at a time.
const readBatchRows = 65_536

// A ScoreRow is a row of scores.parquet. Its Query is not in the file and is
// left 0.
type ScoreRow struct {
	QueryKey, TrainKey Key
	Entry
	Module string // of the model; "" for the whole
	Token  int32  // of the train row, or NoToken

	Damping float64 // of the curvature; 0 where the run has one for all
}

// ReadScores calls visit for each row of the scores.parquet of a run folder,
// in order. It stops at visit's first error and returns it. Memory is that of
// one row group. A file that is not as documented gives an error.
func ReadScores(ctx context.Context, dir string, visit func(ScoreRow) error) error {
	return readTable(ctx, filepath.Join(dir, scoresName), func(batch arrow.RecordBatch) error {
		v, err := newScoresView(batch)
		if err != nil {
			return err
		}
		for i := range int(batch.NumRows()) {
			if err := visit(v.row(i)); err != nil {
				return err
			}
		}
		return nil
	})
}

// readTable reads a Parquet file batch by batch.
func readTable(ctx context.Context, path string, visit func(arrow.RecordBatch) error) (err error) {
	// The Parquet library panics on some damaged files.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: %v", path, p)
		}
	}()
	f, err := file.OpenParquetFile(path, false)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	r, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{BatchSize: readBatchRows}, memory.NewGoAllocator())
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	batches, err := r.GetRecordReader(ctx, nil, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer batches.Release()
	for batches.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := visit(batches.RecordBatch()); err != nil {
			return err
		}
	}
	if err := batches.Err(); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// scoresView reads the rows of a batch of scores.parquet.
type scoresView struct {
	queryKey, trainKey func(int) Key
	queryRow, trainRow *array.Int64
	output, rank       *array.Int32
	score              func(int) float64
	side               *array.String

	module *array.String // nil where the file has whole models and rows
	token  *array.Int32

	damping *array.Float64 // nil where there is one for all
}

func newScoresView(b arrow.RecordBatch) (v scoresView, err error) {
	names := []string{"query_key", "train_key", "query_row", "train_row", "output", "score", "rank", "side"}
	if int(b.NumCols()) < len(names) {
		return v, fmt.Errorf("%s has %d columns; expected %v", scoresName, b.NumCols(), names)
	}
	for i, name := range names {
		if b.ColumnName(i) != name {
			return v, fmt.Errorf("%s has the column %s where %s belongs", scoresName, b.ColumnName(i), name)
		}
	}
	kinds := make([]bool, len(names))
	v.queryKey, kinds[0] = keyReader(b.Column(0))
	v.trainKey, kinds[1] = keyReader(b.Column(1))
	v.queryRow, kinds[2] = b.Column(2).(*array.Int64)
	v.trainRow, kinds[3] = b.Column(3).(*array.Int64)
	v.output, kinds[4] = b.Column(4).(*array.Int32)
	v.score, kinds[5] = scoreReader(b.Column(5))
	v.rank, kinds[6] = b.Column(6).(*array.Int32)
	v.side, kinds[7] = b.Column(7).(*array.String)
	for i, ok := range kinds {
		if !ok {
			return v, fmt.Errorf("%s: the column %s is of type %s", scoresName, names[i], b.Column(i).DataType())
		}
		if names[i] != "output" && b.Column(i).NullN() > 0 {
			return v, fmt.Errorf("%s: the column %s has nulls", scoresName, names[i])
		}
	}
	return v, v.findFiner(b)
}

// findFiner finds the columns module, token and damping among those that may be there.
func (v *scoresView) findFiner(b arrow.RecordBatch) error {
	for i, f := range b.Schema().Fields() {
		ok := true
		switch f.Name {
		case "module":
			v.module, ok = b.Column(i).(*array.String)
		case "token":
			v.token, ok = b.Column(i).(*array.Int32)
		case "damping":
			v.damping, ok = b.Column(i).(*array.Float64)
		}
		if !ok {
			return fmt.Errorf("%s: the column %s is of type %s", scoresName, f.Name, f.Type)
		}
	}
	return nil
}

func keyReader(c arrow.Array) (func(int) Key, bool) {
	switch c := c.(type) {
	case *array.Int64:
		return func(i int) Key { return Key{IsInt: true, Int: c.Value(i)} }, true
	case *array.String:
		return func(i int) Key { return Key{Text: c.Value(i)} }, true
	}
	return nil, false
}

func scoreReader(c arrow.Array) (func(int) float64, bool) {
	switch c := c.(type) {
	case *array.Float32:
		return func(i int) float64 { return float64(c.Value(i)) }, true
	case *array.Float64:
		return c.Value, true
	}
	return nil, false
}

func (v scoresView) row(i int) ScoreRow {
	r := ScoreRow{QueryKey: v.queryKey(i), TrainKey: v.trainKey(i)}
	r.QueryRow, r.TrainRow = v.queryRow.Value(i), v.trainRow.Value(i)
	r.Output, r.Token = NoOutput, NoToken
	if v.module != nil && !v.module.IsNull(i) {
		r.Module = v.module.Value(i)
	}
	if v.token != nil && !v.token.IsNull(i) {
		r.Token = v.token.Value(i)
	}
	if v.damping != nil {
		r.Damping = v.damping.Value(i)
	}
	if !v.output.IsNull(i) {
		r.Output = v.output.Value(i)
	}
	r.Score, r.Rank, r.Side = v.score(i), v.rank.Value(i), Side(v.side.Value(i))
	return r
}
