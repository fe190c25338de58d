package sink

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/internal/kernel"
)

var errState = errors.New("the stored state has the wrong size")

// A storedEnds are the two lists of a query entry on their way into a state.
type storedEnds struct{ high, low []kernel.Candidate }

func encodeEnds(lists []storedEnds, p influence.Precision) []byte {
	size := 8 * len(lists)
	for _, e := range lists {
		size += (len(e.high) + len(e.low)) * int(p.Bytes()+8)
	}
	out := make([]byte, 0, size)
	for _, e := range lists {
		out = binary.LittleEndian.AppendUint32(out, uint32(len(e.high)))
		out = binary.LittleEndian.AppendUint32(out, uint32(len(e.low)))
	}
	for _, e := range lists {
		for _, c := range e.high {
			out = appendCandidate(out, c.Value, c.Row, p)
		}
		for _, c := range e.low {
			out = appendCandidate(out, -c.Value, c.Row, p)
		}
	}
	return out
}

func appendCandidate(out []byte, score float64, row int64, p influence.Precision) []byte {
	return binary.LittleEndian.AppendUint64(appendScore(out, score, p), uint64(row))
}

func appendScore(out []byte, score float64, p influence.Precision) []byte {
	if p == influence.Float64 {
		return binary.LittleEndian.AppendUint64(out, math.Float64bits(score))
	}
	return binary.LittleEndian.AppendUint32(out, math.Float32bits(float32(score)))
}

func readScore(in []byte, p influence.Precision) float64 {
	if p == influence.Float64 {
		return math.Float64frombits(binary.LittleEndian.Uint64(in))
	}
	return float64(math.Float32frombits(binary.LittleEndian.Uint32(in)))
}

// decode merges the state of a unit into lists, one per query entry of it.
func (r *topK) decode(state []byte, lists []mergedEnds) error {
	p := r.layout.Precision
	size := int(p.Bytes() + 8)
	if len(state) < 8*len(lists) {
		return errState
	}
	rest := state[8*len(lists):]
	for i := range lists {
		high := int(binary.LittleEndian.Uint32(state[8*i:]))
		low := int(binary.LittleEndian.Uint32(state[8*i+4:]))
		if len(rest) < (high+low)*size {
			return errState
		}
		for j := range high + low {
			score := readScore(rest, p)
			row := int64(binary.LittleEndian.Uint64(rest[p.Bytes():]))
			rest = rest[size:]
			if j < high {
				lists[i].high.Offer(kernel.Candidate{Value: score, Row: row})
			} else {
				lists[i].low.Offer(kernel.Candidate{Value: -score, Row: row})
			}
		}
	}
	if len(rest) != 0 {
		return fmt.Errorf("%w: %d bytes too many", errState, len(rest))
	}
	return nil
}

func (r *topK) check(unit influence.Range2, state section) error {
	if state.Size() < 8*unit.Query.Len() {
		return errState
	}
	return nil
}
