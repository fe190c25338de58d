package dense

import (
	"math"

	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

// A Triangular is one triangle of a square matrix, its diagonal included, or the
// transpose of that. The other triangle is not read.
type Triangular struct {
	Matrix     kernel.Matrix[float64]
	Upper      bool // the triangle right of the diagonal, else the one left of it
	Transposed bool // stands for the transpose of the triangle
}

// SolveLeft solves T·X = B for a triangular T of n × n and B of n × q numbers, which
// X overwrites.
//
// The error is [ErrSingular] where T has a zero on its diagonal; B is as it was
// then. NaN and ±Inf go where the arithmetic takes them. Sizes that do not fit
// are a panic, and B must not overlap T.
//
// The results have the same bits for any number of workers and on any CPU path.
// Cost: n²·q operations; up to 128·n numbers of scratch memory for each worker.
// Workers share columns of B, so a few columns use few workers. The method is
// substitution, by halves: backward stable.
func SolveLeft(workers int, t Triangular, b kernel.Matrix[float64]) error {
	if b.Rows <= solveTinyRows && b.Cols <= solveTinyRows {
		return t.solveTiny(&b)
	}
	return t.solve(workers, b, false)
}

// SolveRight solves X·T = B for a triangular T of n × n and B of q × n numbers,
// which X overwrites. Everything else is as [SolveLeft] has it, with rows of B for
// columns and twice the scratch memory.
func SolveRight(workers int, t Triangular, b kernel.Matrix[float64]) error {
	t.Transposed = !t.Transposed
	if b.Rows <= solveTinyColumns && b.Cols <= solveTinyColumns {
		return t.solveTinyAcross(&b)
	}
	return t.solve(workers, b, true)
}

const (
	// solveTinyRows is the size of right-hand sides up to which numbers are taken one
	// by one.
	solveTinyRows = 6
	// solveTinyColumns is that size where they lie across.
	solveTinyColumns = 8
	// slabColumns is how many right-hand sides a worker solves at a time.
	slabColumns = 128
	// substitutionRows is the size up to which a triangle is not halved.
	substitutionRows = 64
)

// solve solves T·X = B, or T·Xᵀ = Bᵀ where B lies across.
func (t Triangular) solve(workers int, b kernel.Matrix[float64], across bool) error {
	n, columns := b.Rows, b.Cols
	if across {
		n, columns = columns, n
	}
	if t.singular(n) {
		return ErrSingular
	}
	if !across && n <= substitutionRows && columns <= slabColumns {
		t.substituteRows(b)
		return nil
	}
	slabs := (columns + slabColumns - 1) / slabColumns
	if slabs == 1 {
		t.solveSlab(b, across)
	} else {
		t.solveSlabs(parallel.Workers(workers), slabs, b, across)
	}
	return nil
}

// solveSlabs is solve for slabs of right-hand sides, which workers share.
func (t Triangular) solveSlabs(workers, slabs int, b kernel.Matrix[float64], across bool) {
	n, columns := b.Rows, b.Cols
	if across {
		n, columns = columns, n
	}
	each(workers, slabs, func(s int) {
		lo := s * slabColumns
		count := min(slabColumns, columns-lo)
		if across {
			t.solveSlab(b.Block(lo, 0, count, n), true)
		} else {
			t.solveSlab(b.Block(0, lo, n, count), false)
		}
	})
}

// singular reports whether a number on the diagonal is zero. It panics where the
// triangle has not n rows.
func (t *Triangular) singular(n int) bool {
	if t.Matrix.Rows != n || t.Matrix.Cols != n {
		panic("dense: a triangle and right-hand sides that do not fit")
	}
	at := 0
	for range n {
		if t.Matrix.Data[at] == 0 {
			return true
		}
		at += t.Matrix.Stride + 1
	}
	return false
}

// solveTiny is [SolveLeft] of what is too small for vectors, with their bits.
func (t *Triangular) solveTiny(b *kernel.Matrix[float64]) error {
	if t.singular(b.Rows) {
		return ErrSingular
	}
	data, stride := t.Matrix.Data, t.Matrix.Stride
	along, across := 1, stride // to the factors of the next row known, and of the next row
	if t.Transposed {
		along, across = across, along
	}
	i, next := 0, 1
	if !t.forward() {
		i, next = b.Rows-1, -1
	}
	for step := range b.Rows {
		row := b.Data[i*b.Stride:][:b.Cols]
		known := 0 // rows known … known+step−1 are solved
		if next < 0 {
			known = i + 1
		}
		for k := known; k < known+step; k++ {
			factor := -data[i*across+k*along]
			x := b.Data[k*b.Stride:][:len(row)]
			for j := range row {
				row[j] = math.FMA(factor, x[j], row[j])
			}
		}
		divide(row, data[i*stride+i])
		i += next
	}
	return nil
}

// solveTinyAcross is solveTiny of T·Xᵀ = Bᵀ.
func (t *Triangular) solveTinyAcross(b *kernel.Matrix[float64]) error {
	n := b.Cols
	if t.singular(n) {
		return ErrSingular
	}
	data, stride := t.Matrix.Data, t.Matrix.Stride
	along, across := 1, stride
	if t.Transposed {
		along, across = across, along
	}
	first, next := 0, 1
	if !t.forward() {
		first, next = n-1, -1
	}
	for r := range b.Rows {
		row := b.Data[r*b.Stride:][:n]
		for step, i := 0, first; step < n; step, i = step+1, i+next {
			known := 0
			if next < 0 {
				known = i + 1
			}
			x, at := row[i], i*across+known*along
			for _, solved := range row[known:][:step] {
				x = math.FMA(-data[at], solved, x)
				at += along
			}
			row[i] = x
			divide(row[i:i+1], data[i*stride+i])
		}
	}
	return nil
}

// solveSlab is solve for some of the right-hand sides.
func (t Triangular) solveSlab(b kernel.Matrix[float64], across bool) {
	if !across {
		t.substitute(b, t.negativeRows(b.Cols))
		return
	}
	x := kernel.NewMatrix[float64](b.Cols, b.Rows)
	transpose(x, b)
	t.substitute(x, t.negativeRows(b.Rows))
	transpose(b, x)
}

// negativeRows returns room for the negative of what is solved before the rest.
func (t Triangular) negativeRows(columns int) kernel.Matrix[float64] {
	n := t.Matrix.Rows
	if n <= substitutionRows {
		return kernel.Matrix[float64]{}
	}
	return kernel.NewMatrix[float64](max(t.split(), n-t.split()), columns)
}

// split returns the first row of the second half.
func (t Triangular) split() int { return roundUp(t.Matrix.Rows/2, 8) }

// substitute solves for x in place. negative has room for half of its rows.
func (t Triangular) substitute(x, negative kernel.Matrix[float64]) {
	n := x.Rows
	if n <= substitutionRows {
		t.substituteRows(x)
		return
	}
	half := t.split()
	rows := [2]kernel.Matrix[float64]{x.Block(0, 0, half, x.Cols), x.Block(half, 0, n-half, x.Cols)}
	corner := t.Matrix.Block(half, 0, n-half, half)
	if t.Upper {
		corner = t.Matrix.Block(0, half, half, n-half)
	}
	first, second := 0, 1
	if !t.forward() {
		first, second = 1, 0
	}
	t.half(first, half).substitute(rows[first], negative)
	solved := negative.Block(0, 0, rows[first].Rows, x.Cols)
	for i := range solved.Rows {
		negate(solved.Row(i), rows[first].Row(i))
	}
	if t.Transposed {
		kernel.GemmTN(1, corner, solved, rows[second])
	} else {
		kernel.GemmNN(1, corner, solved, rows[second])
	}
	t.half(second, half).substitute(rows[second], negative)
}

// forward reports whether the first row is solved first.
func (t *Triangular) forward() bool { return t.Upper == t.Transposed }

// half returns the triangle of the rows before (0) or from (1) the given one on.
func (t Triangular) half(which, row int) Triangular {
	n := t.Matrix.Rows
	if which == 0 {
		t.Matrix = t.Matrix.Block(0, 0, row, row)
	} else {
		t.Matrix = t.Matrix.Block(row, row, n-row, n-row)
	}
	return t
}

// substituteRows solves for one row after the other.
func (t Triangular) substituteRows(x kernel.Matrix[float64]) {
	n, data, stride := x.Rows, t.Matrix.Data, t.Matrix.Stride
	for step := range n {
		i, known := step, 0 // the rows known … known+step−1 are solved
		if !t.forward() {
			i = n - 1 - step
			known = i + 1
		}
		row := x.Data[i*x.Stride:][:x.Cols]
		switch {
		case step == 0:
		case t.Transposed:
			var factors [substitutionRows]float64
			for k := range factors[:step] {
				factors[k] = data[(known+k)*stride+i]
			}
			kernel.SubtractRowMultiples(x.Data[known*x.Stride:], x.Stride, factors[:step], row)
		default:
			kernel.SubtractRowMultiples(x.Data[known*x.Stride:], x.Stride, data[i*stride+known:][:step], row)
		}
		divide(row, data[i*stride+i])
	}
}

// divide divides x by a number that is not zero, by its inverse where that is
// finite.
func divide(x []float64, by float64) {
	inverse := 1 / by
	if math.Abs(inverse) > math.MaxFloat64 {
		for i := range x {
			x[i] /= by
		}
		return
	}
	for i := range x {
		x[i] *= inverse
	}
}

// transpose writes the transpose of a to b, in squares that fit the cache.
func transpose(b, a kernel.Matrix[float64]) {
	const side = 8
	for i0 := 0; i0 < a.Rows; i0 += side {
		for j0 := 0; j0 < a.Cols; j0 += side {
			for j := j0; j < min(a.Cols, j0+side); j++ {
				to := b.Row(j)
				for i := i0; i < min(a.Rows, i0+side); i++ {
					to[i] = a.Data[i*a.Stride+j]
				}
			}
		}
	}
}
