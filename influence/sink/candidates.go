package sink

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/infl-dev/infl/influence"
)

// Candidates are the train positions of a job that may come into the lists of each query
// position, ascending: what is not among them is scored and passed over. They are not
// changed once a sink has them.
type Candidates [][]int64

// validate returns an error where the candidates are none of a job of such a shape.
func (c Candidates) validate(train, query int64) error {
	if int64(len(c)) != query {
		return fmt.Errorf("%d queries have candidates, not %d", len(c), query)
	}
	for q, list := range c {
		last := int64(-1)
		for _, i := range list {
			if i <= last || i >= train {
				return fmt.Errorf("the candidates of query position %d do not ascend within %d train positions", q, train)
			}
			last = i
		}
	}
	return nil
}

// hash tells candidates apart, so that units of others do not count.
func (c Candidates) hash() uint64 {
	h := xxh3.New()
	for _, list := range c {
		fmt.Fprintln(h, len(list), list) // A hash never fails.
	}
	return h.Sum64()
}

// errCandidates is returned where more than lists is asked of candidates.
var errCandidates = errors.New("candidates have lists only: sums and a matrix would be about all train rows")

// masked returns a copy of a tile in which all but the candidates are NaN, which no list
// keeps. perRow is the number of query entries of a query row.
func masked[F number](t influence.Tile, c Candidates, perRow int64) []F {
	scores, width := values[F](t), t.Query.Len()
	out := make([]F, len(scores))
	for i := range out {
		out[i] = F(math.NaN())
	}
	for e := t.Query.Lo; e < t.Query.Hi; e++ {
		list := c[e/perRow]
		first, _ := slices.BinarySearch(list, t.Train.Lo)
		for _, i := range list[first:] {
			if i >= t.Train.Hi {
				break
			}
			at := (i-t.Train.Lo)*width + e - t.Query.Lo
			out[at] = scores[at]
		}
	}
	return out
}
