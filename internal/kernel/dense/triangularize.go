package dense

import "github.com/infl-dev/infl/internal/kernel"

const (
	// triangleGroups is how many parts of a matrix are triangularized apart from each
	// other at most, and then together.
	triangleGroups = 16
	// stackedRows is how many rows are stacked below a triangle at a time, at least.
	stackedRows = 2048
)

// triangularize returns the triangle R of a QR factorisation of a·scale, with n
// columns, as its transpose: n × n numbers, column j of R in row j. R is unique up
// to the signs of its rows.
//
// A triangle with further rows below it becomes a triangle again (Golub, Plemmons
// and Sameh, 1988), so a matrix much longer than wide is read once, in pieces that
// stay in the cache. The pieces depend on its size only.
func triangularize(workers int, a kernel.Matrix[float64], scale float64) kernel.Matrix[float64] {
	rows := max(stackedRows, 2*a.Cols)
	pieces := (a.Rows + rows - 1) / rows
	groups := max(1, min(triangleGroups, pieces))
	triangles := make([]*triangle, groups)
	each(workers, groups, func(g int) {
		triangles[g] = newTriangle(a.Cols, min(rows, a.Rows))
		for p := pieces * g / groups; p < pieces*(g+1)/groups; p++ {
			triangles[g].stack(a.Block(p*rows, 0, min(rows, a.Rows-p*rows), a.Cols), scale)
		}
	})
	first := triangles[0]
	for _, t := range triangles[1:] {
		upper := kernel.NewMatrix[float64](a.Cols, a.Cols)
		transpose(upper, t.transposed())
		first.stack(upper, 1)
	}
	return first.transposed()
}

// A triangle is R, and room for rows below it.
type triangle struct {
	n, top  int                    // top is n rounded up to blocks
	columns kernel.Matrix[float64] // row j is column j: R, zeros up to top, further rows
	v       kernel.Matrix[float64] // the reflections of a panel
	turned  kernel.Matrix[float64] // their block, times v
	dots    []float64
}

// newTriangle returns a triangle of zeros with room for some rows below it.
func newTriangle(n, room int) *triangle {
	top := roundUp(n, 8)
	width := top + roundUp(max(room, n), 8)
	return &triangle{
		n: n, top: top, dots: make([]float64, panelColumns),
		columns: kernel.NewMatrix[float64](n, width),
		v:       kernel.NewMatrix[float64](panelColumns, width),
		turned:  kernel.NewMatrix[float64](panelColumns, width),
	}
}

// transposed returns the transpose of R.
func (t *triangle) transposed() kernel.Matrix[float64] { return t.columns.Block(0, 0, t.n, t.n) }

// stack adds rows, times scale, below R and makes a triangle of both.
func (t *triangle) stack(rows kernel.Matrix[float64], scale float64) {
	below := t.columns.Block(0, t.top, t.n, rows.Rows)
	transpose(below, rows)
	for j := range t.n {
		row := below.Row(j)
		for i := range row {
			row[i] *= scale
		}
		clear(t.columns.Row(j)[t.top+rows.Rows:])
	}
	for first := 0; first < t.n; first += panelColumns {
		count := min(panelColumns, t.n-first)
		tau := t.panel(first, count)
		t.reflectRest(first, count, tau)
	}
}

// panel triangularizes some columns and returns the factors of their reflections.
func (t *triangle) panel(first, count int) (tau [panelColumns]float64) {
	for k := range count {
		j := first + k
		from := j / 8 * 8
		column, v := t.columns.Row(j), t.v.Row(k)
		clear(v)
		var beta float64
		beta, tau[k] = reflect(column[j:], v[j:], v[from:])
		column[j] = beta
		clear(column[j+1:])
		rest := t.columns.Block(j+1, from, first+count-j-1, len(column)-from)
		dots := t.dots[:rest.Rows]
		kernel.DotRows(rest.Data, rest.Stride, v[from:], dots)
		for r := range dots {
			dots[r] *= -tau[k]
			kernel.AddRowMultiples(v[from:], 0, dots[r:r+1], rest.Row(r))
		}
	}
	return tau
}

// reflectRest applies the reflections of a panel to the columns after it.
func (t *triangle) reflectRest(first, count int, tau [panelColumns]float64) {
	end := first + count
	if end == t.n {
		return
	}
	width := t.columns.Cols - first
	v, turned := t.v.Block(0, first, count, width), t.turned.Block(0, first, count, width)
	blockReflector(v, tau[:], true, turned)
	rest := t.columns.Block(end, first, t.n-end, width)
	products := kernel.NewMatrix[float64](rest.Rows, count)
	kernel.GemmNT(1, rest, v, products)
	kernel.GemmNN(1, products, turned, rest)
}
