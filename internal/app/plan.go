package app

import (
	"context"
	"fmt"

	"github.com/infl-dev/infl/gbdt"
	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
)

// plan estimates a score from the model and the tables' metadata; text tables
// are sampled.
func (s *session) plan(ctx context.Context, o *ScoreOptions) (influence.Plan, error) {
	precision, err := influence.ParsePrecision(o.Dtype)
	if err != nil {
		return influence.Plan{}, err
	}
	limit, err := s.indexBytes()
	if err != nil {
		return influence.Plan{}, err
	}
	shape := gbdt.Shape{Cost: s.method.cost, Self: o.Self, Precision: precision, Workers: s.workers(), IndexBytes: limit, ReverseBytes: limit}
	var exact bool
	if shape.Train, exact, err = s.train.EstimateRows(ctx); err != nil {
		return influence.Plan{}, err
	}
	passes := []influence.Pass{pass("train", s.train)}
	if s.query != nil {
		var known bool
		if shape.Query, known, err = s.query.EstimateRows(ctx); err != nil {
			return influence.Plan{}, err
		}
		exact = exact && known
		passes = append(passes, pass("query", s.query))
	}
	var masks int64
	if s.masks != nil {
		var file int64
		file, masks = s.masks.Bytes()
		passes = append(passes, influence.Pass{Input: "row masks", Times: 1, Bytes: file})
	}
	if of, err := influence.ParseQuantity(orLoss(o.Of), nil); err == nil && of.Output == influence.Every {
		shape.PerRow = s.forest.K
	}
	if o.sumsOnly() && o.By == "" && s.method.derivative && s.method.cost != gbdt.EachPair {
		shape.Query = 1 // All queries are one pool.
	}
	p := s.forest.Plan(shape)
	p.Passes = passes
	kept := extent{shape.Train, shape.Query * int64(max(shape.PerRow, 1)), precision}
	p.OutputBytes = kept.outputBytes(o)
	p.MemoryBytes += kept.sinkBytes(o) + masks
	if !exact {
		p.Warnings = append(p.Warnings, "rows of text tables are estimated from their first MiB")
	}
	return p, nil
}

func orLoss(of string) string {
	if of == "" {
		return "loss"
	}
	return of
}

// pass is one reading for the rows; the fingerprint reads the same bytes beside
// it, mostly from the page cache.
func pass(name string, t *dataset.Table) influence.Pass {
	return influence.Pass{Input: name, Times: 1, Bytes: t.Bytes()}
}

// An extent is the size of a job's scores.
type extent struct {
	train, entries int64
	precision      influence.Precision
}

// outputBytes estimates the size of the result files.
func (e extent) outputBytes(o *ScoreOptions) int64 {
	var n int64
	if o.Self || o.Aggregate != "" {
		n += e.train * 32
	}
	if !o.Self {
		n += e.entries * min(2*int64(o.Top), e.train) * 16
	}
	if o.Matrix != "" {
		n += e.entries * e.train * e.precision.Bytes()
	}
	return n
}

// sinkBytes estimates what the sinks hold.
func (e extent) sinkBytes(o *ScoreOptions) int64 {
	if o.Self {
		return influence.UnitRows * 16
	}
	n := e.entries * 4 * int64(o.Top) * 16
	if o.Aggregate != "" {
		n += influence.UnitRows * 24 * 4
	}
	if o.Matrix != "" {
		n += 64 << 20
	}
	return n
}

// printPlan prints a plan as records of name and value.
func printPlan(c *Common, p influence.Plan) error {
	t := &Table{Fields: []string{"what", "value", "readable"}}
	for _, pass := range p.Passes {
		t.Add("read "+pass.Input, pass.Bytes, fmt.Sprintf("%s in %d %s", formatBytes(pass.Bytes), pass.Times, plural(pass.Times, "pass", "passes")))
	}
	t.Add("memory_bytes", p.MemoryBytes, "~"+formatBytes(p.MemoryBytes))
	t.Add("scratch_bytes", p.ScratchBytes, "~"+formatBytes(p.ScratchBytes))
	t.Add("output_bytes", p.OutputBytes, "~"+formatBytes(p.OutputBytes))
	t.Add("operations", p.Operations, "~"+count(p.Operations))
	t.Add("units", p.Units, fmt.Sprintf("~%d", p.Units))
	t.Add("seconds", p.Seconds, fmt.Sprintf("~%.2g s", p.Seconds))
	for _, w := range p.Warnings {
		c.say("note: %s", w)
	}
	return c.Output.Print(c.Streams, t)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
