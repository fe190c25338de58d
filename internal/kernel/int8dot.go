package kernel

// Int8Dots writes the score of each train row with each query row, both int8:
//
//	out[i, j] = s_B,  s_0 = 0,  s_b+1 = fma(t_b·q_b, S_b, s_b)
//
// where S_b is the exact sum of the products of the two rows over block b, and t_b
// and q_b are their scales there, whose product is rounded to float32. S_b is below
// 2²² and so exact in float32 too. A score has the same bits on every path, in
// [Int8Product] too.
//
// Against float32 rows t and q the error is at most
//
//	Σ_b (e_b·Σ|q[l]| + f_b·Σ|t[l]| + n_b·e_b·f_b),  e_b = M_b/254, f_b likewise
//
// over the n_b elements of each block with largest magnitudes M_b, beside the
// roundings of the chain. At most workers goroutines run, all ended on return.
// Cost: 2·n·q·d operations on bytes and one read of the train rows.
func Int8Dots(workers int, train, queries Int8Matrix, out Matrix[float32]) {
	train.check()
	queries.check()
	out.check()
	if train.Cols != queries.Cols || out.Rows != train.Rows || out.Cols != queries.Rows {
		panic("kernel: matrices do not fit")
	}
	if out.Rows == 0 || out.Cols == 0 {
		return
	}
	if train.Cols == 0 {
		for i := range out.Rows {
			clear(out.Row(i))
		}
		return
	}
	few := newInt8Few(queries)
	forRows(workers, train.Rows, train.Stride/4, func(_, first, rows int) {
		few.scores(train, first, out.Block(first, 0, rows, out.Cols))
	})
}

// An int8Group is as many queries as a tile takes, step by step of 64 bytes each,
// and block by block their scales and 128 times the sums of their numbers.
type int8Group struct {
	first, count int
	numbers      []int8
	sums         []int32
	scales       []float32
}

func groupInt8(queries Int8Matrix) []int8Group {
	steps, blocks := ceilDiv(queries.Cols, int8Unit), queries.blocks()
	var groups []int8Group
	for first := 0; first < queries.Rows; {
		g := int8Group{first: first, count: min(queries.Rows-first, int8Columns())}
		g.numbers = make([]int8, g.count*steps*int8Unit)
		g.sums, g.scales = make([]int32, g.count*blocks), make([]float32, g.count*blocks)
		for j := range g.count {
			row := queries.Data[(first+j)*queries.Stride:]
			for s := range steps {
				copy(g.numbers[(s*g.count+j)*int8Unit:][:int8Unit], row[s*int8Unit:])
			}
			for l, v := range row[:queries.Cols] {
				g.sums[l/Int8Block*g.count+j] += 128 * int32(v)
			}
			for b, scale := range queries.scales(first + j) {
				g.scales[b*g.count+j] = scale
			}
		}
		groups = append(groups, g)
		first += g.count
	}
	return groups
}

// int8Rows is the number of train rows of a tile.
const int8Rows = 4

// int8Dots writes the scores of train rows from first on. Where fewer rows are
// left than a tile has, the tile takes one of them in place of all.
func int8Dots(train Int8Matrix, first int, groups []int8Group, out Matrix[float32]) {
	blocks := train.blocks()
	for band := 0; band < out.Rows; band += dotBand {
		end := min(band+dotBand, out.Rows)
		for _, g := range groups {
			for i := band; i < end; {
				ldx, lds, ldo, rows := train.Stride, blocks, out.Stride, int8Rows
				if end-i < int8Rows {
					ldx, lds, ldo, rows = 0, 0, 0, 1
				}
				int8Tile(ceilDiv(train.Cols, int8Unit), train.Data[(first+i)*train.Stride:], ldx,
					train.Scale[(first+i)*blocks:], lds, &g, out.Data[i*out.Stride+g.first:], ldo)
				i += rows
			}
		}
	}
}
