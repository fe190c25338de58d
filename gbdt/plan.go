package gbdt

import (
	"math"

	"github.com/infl-dev/infl/influence"
)

// Measured costs of one core, in seconds.
const (
	walkSeconds   = 7e-9   // one row down one tree
	deriveSeconds = 20e-9  // one row's derivatives in one tree
	pairSeconds   = 1.1e-9 // one pair that shares a leaf
)

// A Shape is the size of a scoring job, for a plan before anything is read.
type Shape struct {
	Train, Query int64 // rows
	PerRow       int   // query entries per query row; 0 means 1
	Self         bool
	Precision    influence.Precision
	Workers      int
	IndexBytes   int64 // limit of the leaf index in memory; 0 means none
}

// Plan estimates what it costs to prepare the forest and to score by one of the
// join methods (boostin, leafinfluence-single, leafsim). It reads nothing:
// the leaf counts of the file tell how many pairs share a leaf.
func (f *Forest) Plan(s Shape) influence.Plan {
	trees := int64(len(f.Trees))
	per := int64(max(s.PerRow, 1))
	entries := s.Query * per
	if s.Self {
		entries = 1
	}
	index := s.Train * trees * int64(leafWidth(f))
	p := influence.Plan{Units: (s.Train + influence.UnitRows - 1) / influence.UnitRows}
	if s.IndexBytes > 0 && index > s.IndexBytes {
		p.ScratchBytes, index = index, 0
	}
	workers := int64(max(s.Workers, 1))
	chunk := chunkRows(int(trees)) * trees * (4 + s.Precision.Bytes())
	panel := min(entries, queryTile(int(trees), int(per))*per) * trees * (4 + s.Precision.Bytes())
	frames := int64(len(f.Features)) * 16_384 * 8 * 3
	labels := s.Train*24 + s.Query*int64(f.K+2)*8 + s.Query*trees*int64(leafWidth(f))
	sums := int64(f.Leaves()) * 24 * (workers + 8)
	p.MemoryBytes = index + frames + labels + sums + panel + workers*(chunk+tileScores*s.Precision.Bytes()) + 48<<20
	walk := float64(s.Train+s.Query) * float64(trees)
	derive := 2 * float64(s.Train) * float64(trees)
	pairs := float64(s.Train) * float64(entries) * f.sharedPairs()
	if s.Self {
		pairs = float64(s.Train) * float64(trees)
	}
	p.Operations = walk + derive + pairs
	p.Seconds = (walk*walkSeconds + derive*deriveSeconds + pairs*pairSeconds) / float64(workers)
	return p
}

// sharedPairs returns Σ over trees and leaves of (n_l/n)²: in how many trees a
// random pair of rows shares a leaf. Trees without counts are taken for even.
func (f *Forest) sharedPairs() float64 {
	sum := 0.0
	for i := range f.Trees {
		t := &f.Trees[i]
		n, squares := 0.0, 0.0
		for _, c := range t.LeafCount {
			n += float64(c)
			squares += float64(c) * float64(c)
		}
		if n > 0 {
			sum += squares / (n * n)
		} else {
			sum += 1 / math.Max(1, float64(t.Leaves()))
		}
	}
	return sum
}
