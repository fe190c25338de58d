package gbdt

import (
	"math"

	"github.com/infl-dev/infl/influence"
)

// Measured costs of one core, in seconds.
const (
	walkSeconds   = 7e-9    // one row down one tree
	deriveSeconds = 8e-9    // one row's derivatives in one tree
	joinSeconds   = 1.1e-9  // one pair that shares a leaf
	seedSeconds   = 0.45e-9 // one row, tree and seed of a reverse pass, back and forth
	pairSeconds   = 12e-9   // one pair in one tree, with the slope of the loss
)

// A Cost says what a method's work is made of.
type Cost uint8

const (
	LeafJoin    Cost = iota // LeafJoin adds up pairs that share a leaf: boostin, leafinfluence-single, leafsim, treesim.
	ReversePass             // ReversePass takes 32 seeds through all rows and trees: leafinfluence, label-gradient.
	EachPair                // EachPair walks each pair through all trees: boostin-lca.
)

// A Shape is the size of a scoring job, for a plan before anything is read.
type Shape struct {
	Cost         Cost
	Train, Query int64 // rows; with pools Query is their number
	PerRow       int   // query entries per query row; 0 means 1
	Self         bool
	Precision    influence.Precision
	Workers      int
	IndexBytes   int64 // limit of the leaf index in memory; 0 means none
	ReverseBytes int64 // limit of the adjoints of a reverse pass; 0 means none
}

// Plan estimates what it costs to prepare the forest and to score by a method of
// the shape's cost. It reads nothing: the leaf counts of the file tell how many
// pairs share a leaf.
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
	frames := int64(len(f.Features)) * 16_384 * 8 * 3
	labels := s.Train*24 + s.Query*int64(f.K+2)*8 + s.Query*trees*int64(leafWidth(f))
	sums := int64(f.Leaves()) * 40 * (workers + 8)
	p.MemoryBytes = index + frames + labels + sums + 48<<20
	walk, derive := float64(s.Train+s.Query)*float64(trees), float64(s.Train)*float64(trees)
	p.Operations = walk + derive
	p.Seconds = walk*walkSeconds + derive*deriveSeconds
	switch s.Cost {
	case ReversePass:
		f.planReverse(&p, s, entries)
	case EachPair:
		p.MemoryBytes += workers * lcaRows * (trees*20 + queryBlock*per*8)
		pairs := derive * float64(entries)
		p.Operations += derive + pairs
		p.Seconds += derive*deriveSeconds + pairs*pairSeconds
	default:
		chunk := chunkRows(int(trees)) * trees * (4 + s.Precision.Bytes())
		panel := min(entries, queryTile(int(trees), int(per))*per) * trees * (4 + s.Precision.Bytes())
		p.MemoryBytes += panel + workers*(chunk+tileScores*s.Precision.Bytes())
		pairs := float64(s.Train) * float64(entries) * f.sharedPairs()
		if s.Self {
			pairs = derive
		}
		p.Operations += derive + pairs
		p.Seconds += derive*deriveSeconds + pairs*joinSeconds
	}
	p.Seconds /= float64(workers)
	return p
}

// planReverse adds the passes of so many seeds, or of one per train row.
func (f *Forest) planReverse(p *influence.Plan, s Shape, entries int64) {
	block := int64(seedBlock) * int64(max(s.PerRow, 1))
	if s.Self {
		entries, block = s.Train, seedBlock
	}
	width := reverseWidth(s.Train*int64(f.K), s.ReverseBytes)
	p.MemoryBytes += reverseBytes(s.Train*int64(f.K), min(width, int(entries)))
	passes := (entries + int64(width) - 1) / int64(width)
	cells := float64(s.Train) * float64(len(f.Trees))
	p.Units = (entries + block - 1) / block
	p.Operations += 2*float64(passes)*cells + 2*float64(entries)*cells
	p.Seconds += 2*float64(passes)*cells*deriveSeconds + float64(entries)*cells*seedSeconds
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
