package kernel

import "math"

//go:generate go -C _gen run . -family int8 -out ../int8_amd64.s -stubs ../int8_stubs_amd64.go -pkg kernel

const (
	// Int8Block is the number of neighbours of a row that share a scale.
	Int8Block = 256
	// int8Unit is what the length of stored rows is a multiple of.
	int8Unit = 64
)

// An Int8Matrix holds rows of whole numbers between −127 and 127 with a scale for
// each [Int8Block] of neighbours: element (i, l) means
//
//	Scale[i·blocks + l/Int8Block]·Data[i·Stride + l]
//
// where blocks = ⌈Cols/Int8Block⌉. Stride is a multiple of 64, and the numbers
// between Cols and the next multiple of 64 are zeros.
type Int8Matrix struct {
	Data               []int8
	Scale              []float32
	Rows, Cols, Stride int
}

// blocks is the number of scales of a row.
func (m Int8Matrix) blocks() int { return ceilDiv(m.Cols, Int8Block) }

// scales are those of row i.
func (m Int8Matrix) scales(i int) []float32 { return m.Scale[i*m.blocks():][:m.blocks()] }

// from returns the rows from first on.
func (m Int8Matrix) from(first int) Int8Matrix {
	m.Data, m.Scale, m.Rows = m.Data[min(len(m.Data), first*m.Stride):], m.Scale[first*m.blocks():], m.Rows-first
	return m
}

func (m Int8Matrix) check() {
	checkView(len(m.Data), m.Rows, roundUp(m.Cols, int8Unit), m.Stride)
	if m.Stride%int8Unit != 0 || len(m.Scale) != m.Rows*m.blocks() {
		panic("kernel: int8 rows without their padding or their scales")
	}
}

// Quantize returns the rows of m as int8. The scale of a block is M/127, M being its
// largest magnitude, and each element is rounded to the nearest multiple of it,
// ties to even: so the error of an element is at most (½ + 2⁻¹⁶)·M/127 where M/127
// is a normal float32. A block of zeros has the scale 0. A block with an element
// that is not finite has the scale NaN, so that every score of its row is NaN.
func Quantize(workers int, m Matrix[float32]) Int8Matrix {
	m.check()
	q := Int8Matrix{Rows: m.Rows, Cols: m.Cols, Stride: roundUp(m.Cols, int8Unit)}
	q.Data, q.Scale = hugeSlice[int8](q.Rows*q.Stride), make([]float32, q.Rows*q.blocks())
	forRows(workers, m.Rows, max(1, m.Cols), func(_, first, rows int) {
		for i := first; i < first+rows; i++ {
			row, to := m.Row(i), q.Data[i*q.Stride:]
			for b := range q.scales(i) {
				at, end := b*Int8Block, min((b+1)*Int8Block, m.Cols)
				q.scales(i)[b] = quantizeBlock(to[at:end], row[at:end])
			}
		}
	})
	return q
}

// quantizeBlock writes the multiples and returns their scale.
func quantizeBlock(dst []int8, src []float32) float32 {
	most := float64(0)
	for _, x := range src {
		most = max(most, math.Abs(float64(x))) // NaN stays
	}
	switch {
	case most == 0:
		return 0
	case !(most <= math.MaxFloat32):
		return float32(math.NaN())
	}
	per := 127 / most
	for l, x := range src {
		dst[l] = int8(math.RoundToEven(float64(float64(x) * per)))
	}
	return float32(most / 127)
}
