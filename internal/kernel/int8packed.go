package kernel

import "unsafe"

// The shape of a tile of a product of int8 rows, and how many bytes it multiplies
// at a time.
const (
	int8TileRows = 14
	int8TileCols = 32
	int8Four     = 4
)

// An int8Packed is int8 query rows as the right side of a product. For each block
// of numbers, for each strip of int8TileCols queries, it holds fours of neighbours,
// one four of each query in turn; and for each block and query the scale, and −128
// times the sum of the numbers, which takes away what the train rows get for being
// without sign.
type int8Packed struct {
	cols   int // queries in whole strips
	steps  int // fours in a row, in whole units
	fours  []int32
	start  []int32
	scales []float32
}

// int8BlockFours is the number of fours in a whole block.
const int8BlockFours = Int8Block / int8Four

func packInt8(queries Int8Matrix) *int8Packed {
	p := &int8Packed{cols: roundUp(queries.Rows, int8TileCols), steps: roundUp(queries.Cols, int8Unit) / int8Four}
	blocks := queries.blocks()
	p.fours = make([]int32, p.cols*p.steps)
	p.start, p.scales = make([]int32, p.cols*blocks), make([]float32, p.cols*blocks)
	for j := range queries.Rows {
		row := foursOf(queries.Data[j*queries.Stride:][:p.steps*int8Four])
		for b, scale := range queries.scales(j) {
			p.scales[b*p.cols+j] = scale
			strip, k := p.strip(b, j/int8TileCols)
			for l := range k {
				strip[l*int8TileCols+j%int8TileCols] = row[b*int8BlockFours+l]
			}
		}
		for l, v := range queries.Data[j*queries.Stride:][:queries.Cols] {
			p.start[l/Int8Block*p.cols+j] -= 128 * int32(v)
		}
	}
	return p
}

// strip returns the fours of a strip of a block, k for each query.
func (p *int8Packed) strip(block, strip int) (fours []int32, k int) {
	k = min(int8BlockFours, p.steps-block*int8BlockFours)
	return p.fours[block*int8BlockFours*p.cols+strip*int8TileCols*k:], k
}

// signsOfFour has the sign of each byte of a four. To turn it over adds 128 to a byte with
// sign and makes it one without.
const signsOfFour = -0x7f7f7f80

// foursOf views bytes as fours.
func foursOf(x []int8) []int32 {
	return unsafe.Slice((*int32)(unsafe.Pointer(&x[0])), len(x)/int8Four)
}

// add adds the scores of n train rows to c, which has a column for each query of
// whole strips and a row for each of whole tiles.
func (p *int8Packed) add(train Int8Matrix, first, n int, c []float32) {
	var left [int8BlockRows * int8BlockFours]int32
	var scales [int8BlockRows]float32
	for b := range train.blocks() {
		_, k := p.strip(b, 0)
		for i := range n {
			scales[i] = train.scales(first + i)[b]
			row := foursOf(train.Data[(first+i)*train.Stride+b*Int8Block:][:k*int8Four])
			to := left[i/int8TileRows*int8TileRows*k+i%int8TileRows:]
			for l, four := range row {
				to[l*int8TileRows] = four ^ signsOfFour
			}
		}
		for strip := range p.cols / int8TileCols {
			right, _ := p.strip(b, strip)
			at := b*p.cols + strip*int8TileCols
			for i := 0; i < n; i += int8TileRows {
				int8ProductTile(k, left[i*k:], right, p.start[at:], scales[i:], p.scales[at:], c[i*p.cols+strip*int8TileCols:], p.cols)
			}
		}
	}
}
