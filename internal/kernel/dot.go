package kernel

//go:generate go -C _gen run . -family dot -out ../dot_amd64.s -stubs ../dot_stubs_amd64.go -pkg kernel

// FewQueries is the number of query rows up to which scores are dot products
// ([Dots]), which read the train rows once at the speed of memory. More queries
// are worth the packing of [GemmNT].
const FewQueries = 24

// Dots writes the dot product of each train row with each query row:
//
//	out[i, j] = Σ train[i, l]·queries[j, l]
//
// for n × d train rows, q × d query rows and n × q numbers of out. A dot product
// has 16 lanes of float32 or 8 of float64. Lane s starts at 0 and takes elements
// s, s + lanes, s + 2·lanes, … in order, each by a fused multiply-add; both rows
// count as filled up with zeros to a multiple of the lanes. Then the upper half
// of the lanes is added to the lower half until one number is left. So the bits
// of a score depend on its two rows alone: not on the number of queries,
// workers, strides or the CPU, though they differ from those of [GemmNT].
//
// NaN and ±Inf follow from the chains; d = 0 gives 0. out must not overlap the
// rows. Sizes that do not fit are a panic. At most workers goroutines run, all
// ended on return. Cost: 2·n·q·d operations and one read of the train rows; no
// memory.
func Dots[F Float](workers int, train, queries, out Matrix[F]) {
	train.check()
	queries.check()
	out.check()
	if train.Cols != queries.Cols || out.Rows != train.Rows || out.Cols != queries.Rows {
		panic("kernel: matrices do not fit")
	}
	switch {
	case out.Rows == 0 || out.Cols == 0:
	case train.Cols == 0:
		for i := range out.Rows {
			clear(out.Row(i))
		}
	case fewDots(train.Rows, queries.Rows, train.Cols):
		if train.Rows >= queries.Rows {
			dotInPlace(train.Rows, queries.Rows, train.Cols, &train.Data[0], train.Stride, &queries.Data[0], queries.Stride, &out.Data[0], out.Stride, 1)
		} else {
			dotInPlace(queries.Rows, train.Rows, train.Cols, &queries.Data[0], queries.Stride, &train.Data[0], train.Stride, &out.Data[0], 1, out.Stride)
		}
	default:
		dotBlocks(workers, train, queries, out)
	}
}

// fewDots says whether copying the queries costs more than it saves: the products are
// few, or rows of one side are and all of them fit in a cache.
func fewDots(n, q, d int) bool {
	const products, rows, numbers = 1 << 14, 16, 1 << 16
	return n*q*d <= products || n <= rows && (n+q)*d <= numbers
}

// dotBlocks writes scores block by block of the train rows.
func dotBlocks[F Float](workers int, train, queries, out Matrix[F]) {
	groups := groupQueries(queries)
	forRows(workers, train.Rows, train.Cols, func(_, first, rows int) {
		dotRows(train.Block(first, 0, rows, train.Cols), groups, out.Block(first, 0, rows, out.Cols))
	})
}

// RowDots writes the dot product of each row of x with the same row of y, as
// [Dots] defines it:
//
//	out[i] = Σ x[i, l]·y[i, l]
//
// With y = x these are the squared norms of the rows. x, y and out have as many
// rows; everything else is as Dots has it.
func RowDots[F Float](workers int, x, y Matrix[F], out []F) {
	x.check()
	y.check()
	if x.Rows != y.Rows || x.Cols != y.Cols || len(out) != x.Rows {
		panic("kernel: matrices do not fit")
	}
	switch {
	case x.Cols == 0 || x.Rows == 0:
		clear(out)
	case x.Rows*x.Cols <= readNumbers:
		dotPairs(x.Rows, x.Cols, &x.Data[0], x.Stride, &y.Data[0], y.Stride, &out[0], 1)
	default:
		rowDotsBlocks(workers, x, y, out)
	}
}

// rowDotsBlocks writes products block by block of the rows.
func rowDotsBlocks[F Float](workers int, x, y Matrix[F], out []F) {
	forRows(workers, x.Rows, x.Cols, func(_, first, rows int) {
		dotPairs(rows, x.Cols, &x.Data[first*x.Stride], x.Stride, &y.Data[first*y.Stride], y.Stride, &out[first], 1)
	})
}

// tileAt returns the tile of rows that begins with row next, before the end. Where
// a tile does not fit, one that ends there writes some scores again; where the rows
// are fewer than its own, there are tiles of one row.
func tileAt(next, end, tile int) (first, rows int) {
	switch {
	case end-next >= tile:
		return next, tile
	case end >= tile:
		return end - tile, tile
	}
	return next, 1
}

// A queryGroup is as many queries as a tile takes, in the order in which it reads
// them: 64 bytes of each in turn, with zeros behind their ends. A group of one query
// is its row.
type queryGroup[F Float] struct {
	first, count int
	numbers      []F
}

// groupQueries puts the queries into groups. The first groups are full: a tile
// that has enough to do hides the reading of the train rows, which later groups
// find in a cache.
func groupQueries[F Float](queries Matrix[F]) []queryGroup[F] {
	var groups []queryGroup[F]
	for first := 0; first < queries.Rows; {
		g := queryGroup[F]{first: first, count: dotColumns(queries.Rows - first)}
		groups = append(groups, g.fill(queries))
		first += g.count
	}
	return groups
}

// fill returns the group with the numbers of its queries.
func (g queryGroup[F]) fill(queries Matrix[F]) queryGroup[F] {
	if g.count == 1 {
		g.numbers = queries.Row(g.first)
		return g
	}
	lanes := dotLanes[F]()
	g.numbers = make([]F, g.count*roundUp(queries.Cols, lanes))
	for j := range g.count {
		row := queries.Row(g.first + j)
		for to := j * lanes; len(row) > 0; to += g.count * lanes {
			row = row[copy(g.numbers[to:][:lanes], row):]
		}
	}
	return g
}

// dotBand is how many train rows meet all groups of queries before the next do: a
// multiple of the rows of every tile.
const dotBand = 4

// dotRows writes the scores of some train rows.
func dotRows[F Float](train Matrix[F], groups []queryGroup[F], out Matrix[F]) {
	for first := 0; first < train.Rows; first += dotBand {
		end := min(first+dotBand, train.Rows)
		for k, g := range groups {
			later := train.Data[laterRow(first, end-first, train.Rows, k, len(groups))*train.Stride:]
			tile := dotTileRows()
			for next := first; next < end; {
				i, rows := tileAt(next, end, tile)
				next = i + rows
				dotTile(rows, g.count, train.Cols, train.Data[i*train.Stride:], later, train.Stride,
					g.numbers, out.Data[i*out.Stride+g.first:], out.Stride)
			}
		}
	}
}

// laterRow returns the first of the rows that the tiles of a group of queries ask for
// while they compute: in the band behind theirs, and further on for later groups. So
// memory is busy all the time, not only while the first group meets new rows.
func laterRow(first, band, rows, group, groups int) int {
	further := group * (dotBand - 2) / max(1, groups-1)
	return min(first+band+further, rows-1)
}

// readNumbers is how many numbers of train rows a worker takes at a time: about
// 200 µs at the speed of memory.
const readNumbers = 1 << 20

// forRows calls f for blocks of n rows of width > 0 numbers, as [forBlocks] does;
// blocks begin with a band.
func forRows(workers, n, width int, f func(worker, first, rows int)) {
	size := max(1, readNumbers/(width*dotBand)) * dotBand
	forBlocks(workers, (n+size-1)/size, func(worker, block int) {
		f(worker, block*size, min(size, n-block*size))
	})
}
