package kernel

// HalfDots writes the dot product of each stored train row with each query row:
//
//	out[i, j] = scale[i]·Σ train[i, l]·queries[j, l]
//
// where the sum is that of [Dots] over the stored numbers, each widened to float32,
// and is rounded before it is multiplied. So the error against float32 rows is
// what narrowing them cost: at most Σ |x̂[l] − x[l]|·|q[l]|, see [NarrowRows], beside
// the roundings of Dots itself. A sum of Float16 overflows where Scale times
// the largest float32 is still beyond the score.
//
// Everything else is as Dots has it. Cost: that of Dots with half the bytes.
func HalfDots[H Half](workers int, train HalfMatrix[H], queries, out Matrix[float32]) {
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
		Dots(workers, Matrix[float32]{Rows: train.Rows}, queries, out)
		return
	}
	groups := groupQueries(queries)
	forRows(workers, train.Rows, train.Cols, func(_, first, rows int) {
		halfRows(train, first, groups, out.Block(first, 0, rows, out.Cols))
	})
}

// halfRows writes the scores of stored rows from first on.
func halfRows[H Half](train HalfMatrix[H], first int, groups []queryGroup[float32], out Matrix[float32]) {
	for i := 0; i < out.Rows; i += dotBand {
		n := min(dotBand, out.Rows-i)
		band := out.Block(i, 0, n, out.Cols)
		if !halfBand(train, first+i, groups, band) {
			wide := takeScratch[float32](n * train.Cols)
			dotRows(train.widen(wide.numbers, first+i, n), groups, band)
			wide.release()
		}
	}
	train.rescale(first, out)
}

// halfBand writes the sums of a band of stored rows, and reports whether there is
// a kernel for it.
func halfBand[H Half](train HalfMatrix[H], first int, groups []queryGroup[float32], out Matrix[float32]) bool {
	for k, g := range groups {
		later := train.Data[laterRow(first, out.Rows, train.Rows, k, len(groups))*train.Stride:]
		tile := dotTileRows()
		for next := 0; next < out.Rows; {
			i, rows := tileAt(next, out.Rows, tile)
			next = i + rows
			x := train.Data[(first+i)*train.Stride:]
			if !halfTile(rows, g.count, train.Cols, x, later, train.Stride, g.numbers, out.Data[i*out.Stride+g.first:], out.Stride) {
				return false
			}
		}
	}
	return true
}

// widen writes some stored rows to dst, without their scales, and returns them.
func (m HalfMatrix[H]) widen(dst []float32, first, rows int) Matrix[float32] {
	wide := MatrixOf(dst[:rows*m.Cols], rows, m.Cols)
	for i := range rows {
		Widen(wide.Row(i), m.Data[(first+i)*m.Stride:][:m.Cols])
	}
	return wide
}

// rescale multiplies products of stored rows, from first on, with their scales.
func (m HalfMatrix[H]) rescale(first int, products Matrix[float32]) {
	if m.Scale == nil {
		return
	}
	for i := range products.Rows {
		row, scale := products.Row(i), m.Scale[first+i]
		for j := range row {
			row[j] *= scale
		}
	}
}
