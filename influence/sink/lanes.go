package sink

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/internal/kernel"
)

// QueryBlock is the number of query rows in a block of a sum over queries.
const QueryBlock = kernel.QueryBlock

// A QueryGroups sorts the query positions of a job into groups, as --by does.
// The zero value has no groups.
type QueryGroups struct {
	Of    []int32 // group of each query position
	Names Keys    // name of each group
}

func (g QueryGroups) validate(positions int64) error {
	if g.Of == nil {
		return nil
	}
	var errs []error
	if int64(len(g.Of)) != positions {
		errs = append(errs, fmt.Errorf("%d query positions have groups, not %d", len(g.Of), positions))
	}
	if g.Names == nil {
		return errors.Join(append(errs, errors.New("the query groups have no names"))...)
	}
	for i, group := range g.Of {
		if group < 0 || int64(group) >= g.Names.Len() {
			errs = append(errs, fmt.Errorf("query position %d is in group %d of %d", i, group, g.Names.Len()))
			break
		}
	}
	return errors.Join(errs...)
}

// lanes are the separate sums of a train row: one for each group of queries
// and each output; lane = group·perRow + output.
type lanes struct {
	groups QueryGroups
	perRow int
	rows   int64   // query positions
	count  []int64 // queries in each lane

	mu    sync.Mutex
	known map[node][]int32
}

func newLanes(groups QueryGroups, l influence.Layout) (*lanes, error) {
	s := &lanes{groups: groups, perRow: l.PerRow, rows: l.Query / int64(l.PerRow), known: make(map[node][]int32)}
	if err := groups.validate(s.rows); err != nil {
		return nil, err
	}
	s.count = make([]int64, l.PerRow)
	if groups.Of != nil {
		s.count = make([]int64, groups.Names.Len()*int64(l.PerRow))
	}
	for e := range l.Query {
		s.count[s.of(e)]++
	}
	return s, nil
}

// of returns the lane of a query entry.
func (s *lanes) of(entry int64) int32 {
	perRow := int64(s.perRow)
	output := int32(entry % perRow)
	if s.groups.Of == nil {
		return output
	}
	return s.groups.Of[entry/perRow]*int32(perRow) + output
}

func (s *lanes) blocks() int64 { return (s.rows + QueryBlock - 1) / QueryBlock }

// in returns the ascending lanes that occur in a node of the tree of blocks.
func (s *lanes) in(n node) []int32 {
	if s.groups.Of == nil {
		n = node{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.known[n]; ok {
		return known
	}
	first := min(n.index<<n.level*QueryBlock, s.rows)
	end := min((n.index+1)<<n.level*QueryBlock, s.rows)
	var out []int32
	for e := first * int64(s.perRow); e < end*int64(s.perRow); e++ {
		out = append(out, s.of(e))
	}
	slices.Sort(out)
	out = slices.Clip(slices.Compact(out))
	s.known[n] = out
	return out
}
