package kernel

import "math"

// An int8Few is few queries, in the order in which tiles read them: strips, and groups
// of those behind them.
type int8Few struct {
	strips []int8Strip
	behind int // the strips' queries
	groups []int8Group
}

// newInt8Few copies the queries. A strip costs a little more than two groups.
func newInt8Few(queries Int8Matrix) int8Few {
	var f int8Few
	for hasInt8Strips() && queries.Rows-f.behind > 2*int8Columns() {
		s := stripInt8(queries, f.behind)
		f.strips = append(f.strips, s)
		f.behind += s.count
	}
	f.groups = groupInt8(queries.from(f.behind))
	return f
}

// scores writes the scores of train rows from first on.
func (f int8Few) scores(train Int8Matrix, first int, out Matrix[float32]) {
	int8Strips(train, first, f.strips, out.Block(0, 0, out.Rows, f.behind))
	int8Dots(train, first, f.groups, out.Block(0, f.behind, out.Rows, out.Cols-f.behind))
}

const (
	int8StripRows    = 8  // train rows of a tile
	int8StripQueries = 16 // queries of a strip
)

// An int8Strip is up to int8StripQueries queries, block by block: fours of neighbours,
// one four of each query in turn, each byte plus 128 and without sign; and the bits of
// the scale of each query.
type int8Strip struct {
	first, count int
	numbers      []int32
}

// stripInt8 copies the queries from first on that fit.
func stripInt8(queries Int8Matrix, first int) int8Strip {
	fours := roundUp(queries.Cols, int8Unit) / int8Four
	s := int8Strip{first: first, count: min(int8StripQueries, queries.Rows-first)}
	s.numbers = make([]int32, int8StripQueries*(fours+queries.blocks()))
	for j := range s.count {
		row := foursOf(queries.Data[(first+j)*queries.Stride:][:fours*int8Four])
		to := s.numbers[j:]
		for _, scale := range queries.scales(first + j) {
			block := row[:min(int8BlockFours, len(row))]
			row = row[len(block):]
			for _, four := range block {
				to[0] = four ^ signsOfFour
				to = to[int8StripQueries:]
			}
			to[0] = int32(math.Float32bits(scale))
			to = to[min(len(to), int8StripQueries):]
		}
	}
	return s
}

// int8Strips writes the scores of train rows from first on. A tile that does not fit
// ends with the last row; where the rows are fewer than its own, it takes one of them
// in place of all.
func int8Strips(train Int8Matrix, first int, strips []int8Strip, out Matrix[float32]) {
	fours, blocks := roundUp(train.Cols, int8Unit)/int8Four, train.blocks()
	for next := 0; next < out.Rows; {
		i, rows := tileAt(next, out.Rows, int8StripRows)
		ldx, lds, ldo := train.Stride, blocks, out.Stride
		if rows == 1 {
			ldx, lds, ldo = 0, 0, 0
		}
		next = i + rows
		later := train.Data[min(first+next, train.Rows-1)*train.Stride:]
		for _, s := range strips {
			int8StripTile(fours, train.Data[(first+i)*train.Stride:], later, ldx,
				train.Scale[(first+i)*blocks:], lds, &s, out.Data[i*out.Stride+s.first:], ldo)
		}
	}
}
