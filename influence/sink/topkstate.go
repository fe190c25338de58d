package sink

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/infl-dev/infl/influence"
)

var errState = errors.New("the stored state has the wrong size")

func encodeEnds(lists []*ends, p influence.Precision) []byte {
	size := 8 * len(lists)
	for _, e := range lists {
		size += (len(e.high.sorted()) + len(e.low.sorted())) * int(p.Bytes()+8)
	}
	out := make([]byte, 0, size)
	for _, e := range lists {
		out = binary.LittleEndian.AppendUint32(out, uint32(len(e.high.sorted())))
		out = binary.LittleEndian.AppendUint32(out, uint32(len(e.low.sorted())))
	}
	for _, e := range lists {
		for _, c := range e.high.sorted() {
			out = appendCandidate(out, c.value, c.row, p)
		}
		for _, c := range e.low.sorted() {
			out = appendCandidate(out, -c.value, c.row, p)
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
func (r *topK) decode(state []byte, lists []ends) error {
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
				lists[i].high.offer(candidate{score, row})
			} else {
				lists[i].low.offer(candidate{-score, row})
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
