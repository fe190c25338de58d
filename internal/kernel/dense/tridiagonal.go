package dense

import (
	"math"

	"github.com/infl-dev/infl/internal/kernel"
)

const (
	// panelColumns is how many columns are reduced before the rest of the matrix
	// learns of them: more make products larger and panels slower.
	panelColumns = 32
	// negligible is a length, relative to a matrix of about 1, below which a column
	// counts as zero: its square would lose digits to underflow.
	negligible = 1e-140
)

// A reduction turns a symmetric matrix into a tridiagonal one by reflections
// H(j) = I − τ[j]·v·vᵀ from both sides, where v is zero up to row j and 1 in row
// j+1.
type reduction struct {
	n      int
	padded int                    // n rounded up to blocks; the padding is zero
	a      kernel.Matrix[float64] // the lower triangle is to be reduced; row j of the upper one becomes v of column j
	d, e   []float64              // the diagonal and what lies beside it: e[j] at (j+1, j)
	tau    []float64

	columns kernel.Matrix[float64] // the panel's columns as rows
	pairs   kernel.Matrix[float64] // its vectors: v, w, v, w …
	swapped kernel.Matrix[float64] // −w, −v, −w, −v …: A += pairsᵀ·swapped
	factors []float64              // of the rows of pairs
	parts   kernel.Matrix[float64] // the products of sections of the triangle
}

// newReduction copies the lower triangle of a, times scale.
func newReduction(a kernel.Matrix[float64], scale float64) (t *reduction, free func()) {
	n := a.Rows
	padded := roundUp(n, kernel.SymvBlock)
	stride := padded
	if stride%64 == 0 {
		stride += kernel.SymvBlock // rows a power of two apart compete for the cache
	}
	panel := min(panelColumns, padded)
	size := padded*stride + 5*panel*padded + sectionsMost*padded + 3*n + 2*panel
	memory, free := pages(size)
	take := func(k int) []float64 {
		x := memory[:k:k]
		memory = memory[k:]
		return x
	}
	t = &reduction{
		n: n, padded: padded,
		a:       kernel.Matrix[float64]{Data: take(padded * stride), Rows: padded, Cols: padded, Stride: stride},
		columns: kernel.MatrixOf(take(panel*padded), panel, padded),
		pairs:   kernel.MatrixOf(take(2*panel*padded), 2*panel, padded),
		swapped: kernel.MatrixOf(take(2*panel*padded), 2*panel, padded),
		parts:   kernel.MatrixOf(take(sectionsMost*padded), sectionsMost, padded),
		d:       take(n), e: take(n), tau: take(n), factors: take(2 * panel),
	}
	for i := range n {
		to := t.a.Row(i)
		for j, x := range a.Row(i)[:i+1] {
			to[j] = x * scale
		}
		for j := i / kernel.SymvBlock * kernel.SymvBlock; j < i; j++ {
			t.a.Row(j)[i] = to[j]
		}
	}
	return t, free
}

// reduce runs over the matrix panel by panel.
func (t *reduction) reduce(workers int) {
	for first := 0; first < t.n; first += panelColumns {
		count := min(panelColumns, t.n-first)
		t.gather(first, count)
		for k := range count {
			t.reduceColumn(workers, first, k)
		}
		for k := range count {
			copy(t.a.Row(first + k)[first+k+1:], t.pairs.Row(2 * k)[first+k+1:])
		}
		if rest := first + count; rest < t.n {
			t.update(workers, rest)
		}
	}
}

// gather copies the columns of a panel into rows.
func (t *reduction) gather(first, count int) {
	for i := first; i < t.n; i++ {
		row := t.a.Row(i)[first:][:count]
		for k, x := range row {
			t.columns.Data[k*t.padded+i] = x
		}
	}
}

// reduceColumn reduces column k of the panel that begins at first: it brings the
// column up to date, finds its reflection, and the vector w with which
//
//	H·A·H = A − v·wᵀ − w·vᵀ     w = τ·A·v − ½·τ²·(vᵀ·A·v)·v
func (t *reduction) reduceColumn(workers, first, k int) {
	j := first + k
	column, v, w := t.columns.Row(k), t.pairs.Row(2*k), t.pairs.Row(2*k+1)
	from := j / kernel.SymvBlock * kernel.SymvBlock
	known := t.pairs.Block(0, from, 2*k, t.padded-from)
	factors := t.factors[:2*k]
	for i := range k {
		factors[2*i], factors[2*i+1] = -t.pairs.At(2*i+1, j), -t.pairs.At(2*i, j)
	}
	kernel.AddRowMultiples(known.Data, known.Stride, factors, column[from:])
	t.d[j] = column[j]
	clear(v)
	clear(w)
	if j+1 == t.n {
		return
	}
	t.e[j], t.tau[j] = reflect(column[j+1:t.n], v[j+1:], v[from:])
	if t.tau[j] == 0 {
		return
	}
	t.multiply(workers, j+1, v, w)
	clear(w[:j+1])
	kernel.DotRows(known.Data, known.Stride, v[from:], factors)
	for i := 0; i < len(factors); i += 2 {
		factors[i], factors[i+1] = -factors[i+1], -factors[i]
	}
	kernel.AddRowMultiples(known.Data, known.Stride, factors, w[from:])
	clear(w[:j+1])
	tau := t.tau[j]
	half := -0.5 * float64(tau*tau) * dot(w[from:], v[from:])
	for i := j + 1; i < t.n; i++ {
		w[i] = float64(tau*w[i]) + float64(half*v[i])
	}
}

// reflect finds the reflection I − τ·v·vᵀ with v[0] = 1 that turns x into
// (β, 0, 0 …). v, of the length of x, is zero before; padded is what surrounds
// it, a multiple of 8 long.
func reflect(x, v, padded []float64) (beta, tau float64) {
	copy(v[1:], x[1:])
	rest := dot(padded, padded)
	alpha := x[0]
	length := math.Sqrt(float64(alpha*alpha) + rest)
	v[0] = 1
	switch {
	case length < negligible:
		clear(v[1:])
		return 0, 0
	case rest == 0:
		return alpha, 0
	}
	beta = -math.Copysign(length, alpha)
	scale := 1 / (alpha - beta)
	for i := 1; i < len(x); i++ {
		v[i] *= scale
	}
	return beta, (beta - alpha) / beta
}

// dot is the product of two vectors whose length is a multiple of 8.
func dot(x, y []float64) float64 {
	var out [1]float64
	kernel.DotRows(x, len(x), y, out[:])
	return out[0]
}

// Sections of a triangle are multiplied by themselves and then added up, so that
// workers can share a product. Their number depends on the rows alone.
const (
	sectionsMost = 16
	sectionRows  = 256
)

// multiply adds the product of the triangle from row first on with x to y, which
// is zero. What it writes before first is of no use.
func (t *reduction) multiply(workers, first int, x, y []float64) {
	from := first / kernel.SymvBlock * kernel.SymvBlock
	rows := t.padded - from
	sections := max(1, min(sectionsMost, rows/sectionRows))
	if sections == 1 {
		kernel.SymvLower(t.a.Data, t.a.Stride, from, from, t.padded, x, y)
		return
	}
	// Equal areas: the rows up to a share s of the area are √s of all.
	cut := func(s int) int {
		share := math.Sqrt(float64(s) / float64(sections))
		return from + int(float64(rows)*share)/kernel.SymvBlock*kernel.SymvBlock
	}
	each(workers, sections, func(s int) {
		s = sections - 1 - s
		lo, hi := cut(s), cut(s+1)
		part := t.parts.Row(s)[:hi]
		clear(part[from:])
		kernel.SymvLower(t.a.Data, t.a.Stride, from, lo, hi, x, part)
	})
	for s := range sections {
		for i, p := range t.parts.Row(s)[from:cut(s+1)] {
			y[from+i] += p
		}
	}
}

// updateRows is how many rows of the triangle a worker updates at a time.
const updateRows = 128

// update subtracts v·wᵀ + w·vᵀ for all pairs of the panel from the triangle that
// begins at row rest, with its diagonal blocks whole.
func (t *reduction) update(workers, rest int) {
	for k := 0; k < t.pairs.Rows; k += 2 {
		negate(t.swapped.Row(k)[rest:], t.pairs.Row(k + 1)[rest:])
		negate(t.swapped.Row(k + 1)[rest:], t.pairs.Row(k)[rest:])
	}
	count := t.pairs.Rows
	blocks := (t.padded - rest + updateRows - 1) / updateRows
	each(workers, blocks, func(b int) {
		lo := rest + (blocks-1-b)*updateRows
		hi := min(t.padded, lo+updateRows)
		kernel.GemmTN(1,
			t.pairs.Block(0, lo, count, hi-lo),
			t.swapped.Block(0, rest, count, hi-rest),
			t.a.Block(lo, rest, hi-lo, hi-rest))
	})
}

// negate writes −x to y.
func negate(y, x []float64) {
	for i, v := range x {
		y[i] = -v
	}
}
