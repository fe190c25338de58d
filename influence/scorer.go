package influence

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// A Description says what a scorer's numbers are. It travels with every output.
type Description struct {
	Method        string   `json:"method"`         // name on the command line
	Form          string   `json:"form,omitempty"` // "exact" or "compat" where the method has both
	Source        string   `json:"source"`         // authors, year, equation; and where we differ
	PositiveMeans string   `json:"positive_means"` // what a score > 0 says
	NegativeMeans string   `json:"negative_means"` // what a score < 0 says
	Unit          string   `json:"unit"`           // unit of a score, for example "loss" or "log-odds"
	LOOFactor     *float64 `json:"loo_factor"`     // score × LOOFactor estimates the effect of leaving the row out; nil where the score is no such estimate
	Approximate   []string `json:"approximate"`    // every approximation that was made

	// LabelEdit says that the scores are about changing a train row's label.
	LabelEdit bool `json:"label_edit,omitempty"`

	// Signed reports whether the sign separates helpful from harmful rows.
	// Sinks name the two ends "helpful" and "harmful" then, else "high" and
	// "low".
	Signed bool `json:"signed"`
}

// A Pass says how often an input is read, and how much of it.
type Pass struct {
	Input string `json:"input"`
	Times int    `json:"times"`
	Bytes int64  `json:"bytes"` // in all passes together
}

// A Plan is what a job will cost, from metadata only.
type Plan struct {
	Passes       []Pass   `json:"passes"`
	MemoryBytes  int64    `json:"memory_bytes"`  // peak anonymous memory
	ScratchBytes int64    `json:"scratch_bytes"` // temporary files
	OutputBytes  int64    `json:"output_bytes"`
	Operations   float64  `json:"operations"` // multiply-adds and leaf comparisons
	Seconds      float64  `json:"seconds"`    // expected; an estimate
	Units        int64    `json:"units"`
	Warnings     []string `json:"warnings,omitempty"`
}

// A Tile is a block of scores. The score of query entry e on train position i
// stands at index (i − Train.Lo)·(Query.Hi − Query.Lo) + (e − Query.Lo): train
// rows down, query entries across, as the kernels produce them. Exactly one of
// F32 and F64 is set, as the job's precision says. NaN and ±Inf are possible
// only where a method's comment says so.
type Tile struct {
	Range2
	F32 []float32
	F64 []float64
}

// Validate returns an error where the slices do not fit the ranges.
func (t Tile) Validate() error {
	want := t.Query.Len() * t.Train.Len()
	switch {
	case (t.F32 == nil) == (t.F64 == nil):
		return fmt.Errorf("tile %v: exactly one of F32 and F64 must be set", t.Range2)
	case t.F32 != nil && int64(len(t.F32)) != want, t.F64 != nil && int64(len(t.F64)) != want:
		return fmt.Errorf("tile %v holds %d scores, not %d", t.Range2, max(len(t.F32), len(t.F64)), want)
	}
	return nil
}

// A Scorer produces the influence of train rows on query rows as tiles.
//
// Its results depend on its inputs and on the job only: not on workers, on the
// order of units, on which units a sink lacks, or on the CPU.
type Scorer interface {
	// Describe says what the scores are.
	Describe() Description

	// Layout returns the grid of the job's scores.
	Layout(j Job) (Layout, error)

	// Plan estimates the cost of the job without reading rows.
	Plan(ctx context.Context, j Job) (Plan, error)

	// Score calls s.Begin with the job's layout and then fills every unit that
	// the sink lacks. It neither commits nor aborts the sink: whoever made
	// the sink does. It returns ctx's error soon after ctx ends, with all its
	// goroutines joined.
	Score(ctx context.Context, j Job, s Sink) error
}

// A Sink receives tiles in any order, possibly from several goroutines, and
// alone knows what is already durable.
type Sink interface {
	// Begin tells the grid. It fails where the sink holds units of another one.
	Begin(ctx context.Context, l Layout) error

	// Missing yields the units that are still to be computed.
	Missing() iter.Seq[Range2]

	// Put takes a tile, which must lie inside one unit, and each score of a
	// unit must come exactly once. A unit counts as done when it is full. Put
	// does not keep the tile's slices. It may be called from several
	// goroutines.
	Put(ctx context.Context, t Tile) error

	// Commit makes the whole result durable. It fails where a unit is missing.
	// Exactly one of Commit and Abort ends a sink.
	Commit(ctx context.Context) error

	// Abort gives up. Units already durable stay, so that the job can be
	// continued.
	Abort() error
}

// ErrIncomplete is returned by Commit where units are missing.
var ErrIncomplete = errors.New("the result is incomplete")
