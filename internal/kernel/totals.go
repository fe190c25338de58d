package kernel

import "math"

// QueryBlock is the number of query rows in a block of a sum over queries.
const QueryBlock = 32

// A Total is what is known of some scores: their sum, largest and smallest.
type Total struct{ Sum, Max, Min float64 }

// NoScores is the total of no scores.
var NoScores = Total{0, math.Inf(-1), math.Inf(1)}

// Plus is the total of two sets of scores.
func (t Total) Plus(u Total) Total {
	return Total{t.Sum + u.Sum, max(t.Max, u.Max), min(t.Min, u.Min)}
}

// With is the total with one score more. NaN goes into the sum, and is neither
// largest nor smallest.
func (t Total) With(v float64) Total {
	t.Sum += v
	if v > t.Max {
		t.Max = v
	}
	if v < t.Min {
		t.Min = v
	}
	return t
}

// AddScores adds the scores of row i to totals[i], one after the other, for as many
// rows as totals.
func AddScores[F Float](totals []Total, scores Matrix[F]) {
	scores.check()
	if len(totals) != scores.Rows {
		panic("kernel: as many totals as rows are needed")
	}
	i := 0
	// The sums of a row wait for each other; those of four rows do not.
	for ; i+4 <= len(totals); i += 4 {
		a, b, c, d := totals[i], totals[i+1], totals[i+2], totals[i+3]
		rowB, rowC, rowD := scores.Row(i+1), scores.Row(i+2), scores.Row(i+3)
		for j, v := range scores.Row(i) {
			a, b, c, d = a.With(float64(v)), b.With(float64(rowB[j])), c.With(float64(rowC[j])), d.With(float64(rowD[j]))
		}
		totals[i], totals[i+1], totals[i+2], totals[i+3] = a, b, c, d
	}
	for ; i < len(totals); i++ {
		for _, v := range scores.Row(i) {
			totals[i] = totals[i].With(float64(v))
		}
	}
}

// WriteTotals writes the totals of the rows of scores, over all their queries, on
// the fixed tree: the scores of a block of [QueryBlock] queries are added in order,
// then neighbouring blocks pairwise, level by level; an odd last one stands in for
// its parent.
func WriteTotals[F Float](totals []Total, scores Matrix[F]) {
	rows, blocks := scores.Rows, ceilDiv(scores.Cols, QueryBlock)
	if blocks == 0 {
		for i := range totals {
			totals[i] = NoScores
		}
		return
	}
	parts := make([][]Total, blocks)
	for b := range parts {
		parts[b] = make([]Total, rows)
		for i := range parts[b] {
			parts[b][i] = NoScores
		}
		first := b * QueryBlock
		AddScores(parts[b], scores.Block(0, first, rows, min(QueryBlock, scores.Cols-first)))
	}
	for n := blocks; n > 1; n = (n + 1) / 2 {
		for b := 0; b < n; b += 2 {
			if b+1 < n {
				for i, u := range parts[b+1] {
					parts[b][i] = parts[b][i].Plus(u)
				}
			}
			parts[b/2] = parts[b]
		}
	}
	copy(totals, parts[0])
}
