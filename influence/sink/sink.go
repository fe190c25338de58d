package sink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/internal/durable"
)

// SinkOptions say what a run keeps of its scores. At least one of TopK,
// Aggregate, Matrix and Self must be asked for.
type SinkOptions struct {
	TopK      int          // rows kept at either end of each query entry → scores.parquet; 0 for none
	Aggregate bool         // sum, mean, max and min of each train row over the queries → rows.parquet
	Matrix    MatrixFormat // the whole matrix → matrix.npy or matrix.arrow
	Self      bool         // the scores are those of a self job → rows.parquet; excludes all others

	TrainRows, QueryRows influence.Rows // those of the job
	TrainKeys, QueryKeys Keys           // of the whole tables; QueryKeys is not used with Self
	TrainGroups          Keys           // group of each train row, or nil
	QueryGroups          QueryGroups    // groups for Aggregate; the zero value has none

	Finer // what of the model and of train rows the scores are about

	// PoolRows are the numbers of query rows in the pools of a job with Pools; nil
	// without. QueryRows and QueryKeys are then those of the pools. Only sum and
	// mean are kept: a pool has no score of a single query.
	PoolRows []int64

	// Candidates, where not nil, says which train positions each query position may keep
	// in its lists; sums and a matrix are refused then.
	Candidates Candidates

	Description influence.Description // that of the scorer; it goes into the record
}

// Validate lists everything that is wrong with the options.
func (o SinkOptions) Validate() error {
	var errs []error
	fail := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	known := o.Matrix == NoMatrix || o.Matrix == NPYMatrix || o.Matrix == ArrowMatrix
	fail(!known, "matrix format %q is not known; use npy or arrow", o.Matrix)
	fail(o.TopK < 0, "top is %d; it must not be negative", o.TopK)
	any := o.TopK > 0 || o.Aggregate || o.Matrix != NoMatrix
	fail(!any && !o.Self, "nothing of the scores is to be kept")
	fail(any && o.Self, "a self job keeps nothing but its own scores")
	fail(o.TrainKeys == nil, "the train keys are missing")
	fail(o.QueryKeys == nil && !o.Self, "the query keys are missing")
	fail(o.QueryGroups.Of != nil && !o.Aggregate, "query groups need an aggregate")
	fail(o.PoolRows != nil && (!o.Aggregate || o.TopK > 0 || o.Matrix != NoMatrix), "pools of queries have aggregates only")
	fail(o.PoolRows != nil && int64(len(o.PoolRows)) != o.QueryRows.Len(), "%d pools have sizes, not %d", len(o.PoolRows), o.QueryRows.Len())
	for i, n := range o.PoolRows {
		fail(n <= 0, "pool %d has %d query rows", i, n)
	}
	if o.TrainKeys != nil {
		if err := o.Finer.validate(o.TrainKeys.Len()); err != nil {
			errs = append(errs, err)
		} else {
			errs = append(errs, o.TrainRows.Validate("train", o.numbers(o.TrainKeys.Len())))
		}
		fail(o.TrainGroups != nil && o.TrainGroups.Len() != o.TrainKeys.Len(), "the train groups do not have one value for each train row")
	}
	if o.Candidates != nil {
		if o.Aggregate || o.Matrix != NoMatrix || o.Self {
			errs = append(errs, errCandidates)
		}
		errs = append(errs, o.Candidates.validate(o.TrainRows.Len(), o.QueryRows.Len()))
	}
	if o.QueryKeys != nil && !o.Self {
		errs = append(errs, o.QueryRows.Validate("query", o.QueryKeys.Len()))
		errs = append(errs, o.QueryGroups.validate(o.QueryRows.Len()))
	}
	return errors.Join(errs...)
}

// runSink is the influence.Sink of a run folder.
type runSink struct {
	core
	run *Run
	o   SinkOptions

	notes []note

	// The reducers by kind, nil where not asked for, and their numbers.
	top    *topK
	sums   *aggregate
	self   *self
	matrix *matrix
	at     map[reducer]int
}

// Sink returns the sink that fills the run. A unit is durable once Put has
// taken its last tile. Commit writes the result files and turns the run's
// state to Done; Abort leaves the finished units, so that the run can be
// continued. Neither closes the run. A run has one sink at a time.
//
// Memory: the units in work, for TopK q × 4k × 16 bytes each; in Commit the
// lists of one row of units, one row group of output, and 16 bytes per entry
// of scores.parquet.
func (r *Run) Sink(o SinkOptions) (influence.Sink, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if err := r.Update(func(record *Record) { record.Description = o.Description }); err != nil {
		return nil, err
	}
	s := &runSink{run: r, o: o, at: make(map[reducer]int), notes: notes(r.doc.Record)}
	s.train = o.TrainRows
	s.store = newPartStore(filepath.Join(r.dir, partsName), r.open)
	use := func(x reducer) {
		s.at[x] = len(s.reducers)
		s.reducers = append(s.reducers, x)
	}
	if o.TopK > 0 {
		s.top = &topK{k: o.TopK, signed: o.Description.Signed, train: o.TrainRows, candidates: o.Candidates}
		use(s.top)
	}
	if o.Aggregate {
		s.sums = &aggregate{groups: o.QueryGroups}
		use(s.sums)
	}
	if o.Self {
		s.self = new(self)
		use(s.self)
	}
	if o.Matrix != NoMatrix {
		s.matrix = newMatrix(r.dir, r.open)
		use(s.matrix)
	}
	return s, nil
}

// Begin implements influence.Sink.
func (s *runSink) Begin(ctx context.Context, l influence.Layout) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	queries := l.Query / int64(max(l.PerRow, 1))
	if s.o.PoolRows != nil && s.o.QueryGroups.Of == nil && queries > 1 {
		return fmt.Errorf("%d pools of queries without groups to name them", queries)
	}
	if n := s.o.parts(); n > 0 && l.PerRow != n {
		return fmt.Errorf("the scorer has %d entries for a query row, the run %d modules or dampings", l.PerRow, n)
	}
	if l.Train != s.o.TrainRows.Len() || !s.o.Self && queries != s.o.QueryRows.Len() {
		return fmt.Errorf("the scorer has %d train positions and %d query rows, the run %d and %d", l.Train, queries, s.o.TrainRows.Len(), s.o.QueryRows.Len())
	}
	return s.begin(l)
}

// Missing implements influence.Sink.
func (s *runSink) Missing() iter.Seq[influence.Range2] { return s.missing() }

// Put implements influence.Sink.
func (s *runSink) Put(ctx context.Context, t influence.Tile) error { return s.put(ctx, t) }

// Abort implements influence.Sink.
func (s *runSink) Abort() error {
	if s.matrix != nil {
		return s.matrix.close()
	}
	return nil
}

// Commit implements influence.Sink.
func (s *runSink) Commit(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, s.Abort()) }()
	if err := s.complete(); err != nil {
		return err
	}
	lanes, err := newLanes(s.o.QueryGroups, s.layout)
	if err != nil {
		return err
	}
	rows := &rowsWriter{
		o: s.o, notes: s.notes, layout: s.layout, lanes: lanes, states: s.store,
		sums: s.sums, sumsAt: s.at[s.sums], self: s.self, selfAt: s.at[s.self],
	}
	if s.top != nil {
		rows.inTop = new(topCounts)
		err := s.run.WriteOutput(scoresName, func(w io.Writer) error {
			return writeScores(ctx, w, s.o, s.notes, s.top, s.store, s.at[s.top], func(e Entry) { rows.inTop.add(e.TrainRow, lanes.of(e.Query)) })
		})
		if err != nil {
			return err
		}
	}
	if s.top != nil || s.sums != nil || s.self != nil || s.o.Tokens != nil { // Which tokens a matrix has only stands there.
		if err := s.run.WriteOutput(rowsName, func(w io.Writer) error { return rows.write(ctx, w) }); err != nil {
			return err
		}
	}
	if err := s.commitMatrix(ctx); err != nil {
		return err
	}
	return s.run.Finish(ctx)
}

func (s *runSink) commitMatrix(ctx context.Context) error {
	switch s.o.Matrix {
	case ArrowMatrix:
		return s.run.WriteOutput(matrixArrowName, func(w io.Writer) error {
			return s.matrix.writeArrow(ctx, w, s.o, s.notes)
		})
	case NPYMatrix:
		if err := s.matrix.close(); err != nil {
			return err
		}
		if err := os.Rename(s.matrix.path, s.matrix.final); err != nil {
			return err
		}
		if err := durable.SyncDir(s.run.dir); err != nil {
			return err
		}
		size, sum, err := sumFile(s.matrix.final)
		if err != nil {
			return err
		}
		return s.run.list(matrixNPYName, size, sum)
	}
	return nil
}
