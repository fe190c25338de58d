package kernel

import "math"

//go:generate go -C _gen run . -family half -out ../half_amd64.s -stubs ../half_stubs_amd64.go -pkg kernel

// A Float16 is the bits of an IEEE 754 binary16: 11 significant bits, up to 65504.
type Float16 uint16

// A BFloat16 is the upper half of the bits of a float32: 8 significant bits and the
// range of float32.
type BFloat16 uint16

// A Half is a number of 16 bits.
type Half interface{ Float16 | BFloat16 }

// Narrow writes scale·src[i], rounded to float32 and then to nearest, ties to even,
// as dst[i]. The relative error is at most 2⁻¹¹ for Float16 and 2⁻⁸ for BFloat16
// where the result is a normal number; below 2⁻¹⁴ a Float16 is a multiple of 2⁻²⁴,
// so the error is at most 2⁻²⁵. What is too large becomes ±Inf; NaN stays NaN with
// its sign and the upper bits of its payload, and is quiet. src and dst have one
// length and do not overlap.
func Narrow[H Half](dst []H, src []float32, scale float32) {
	if len(dst) != len(src) {
		panic("kernel: slices differ in length")
	}
	done := narrowVector(dst, src, scale)
	for i, x := range src[done:] {
		dst[done+i] = narrowGeneric[H](float32(scale * x))
	}
}

// Widen writes src[i] as dst[i], exactly; a signalling Float16 NaN becomes quiet.
// src and dst have one length and do not overlap.
func Widen[H Half](dst []float32, src []H) {
	if len(dst) != len(src) {
		panic("kernel: slices differ in length")
	}
	done := widenVector(dst, src)
	for i, x := range src[done:] {
		dst[done+i] = widenHalfGeneric(x)
	}
}

// A HalfMatrix is a row-major view of 16-bit numbers that somebody else owns, as
// [Matrix] is of others. Element (i, j) means Scale[i]·Data[i·Stride + j]; without
// Scale all scales are 1.
type HalfMatrix[H Half] struct {
	Data               []H
	Scale              []float32
	Rows, Cols, Stride int
}

// check panics where the view is no matrix.
func (m HalfMatrix[H]) check() {
	checkView(len(m.Data), m.Rows, m.Cols, m.Stride)
	if m.Scale != nil && len(m.Scale) != m.Rows {
		panic("kernel: as many scales as rows are needed")
	}
}

// float16Top is the exponent of two to which the largest number of a row of
// Float16 is brought: the highest that rounding up cannot take to infinity.
const float16Top = 14

// NarrowRows returns the rows of m as Float16 with a scale each: the power of two
// that brings the row's largest finite magnitude into [2¹⁴, 2¹⁵), or as near to it as
// scales in [2⁻¹²⁶, 2¹¹³] can. Scaling is exact, so an element x of a row with the
// largest magnitude M has an error of at most 2⁻¹¹·|x| + 2⁻³⁹·M, wherever M is a
// normal number; ±Inf and NaN stay what they are. A row of zeros has the scale 1.
func NarrowRows(workers int, m Matrix[float32]) HalfMatrix[Float16] {
	m.check()
	h := HalfMatrix[Float16]{
		Data: hugeSlice[Float16](m.Rows * m.Cols), Scale: make([]float32, m.Rows),
		Rows: m.Rows, Cols: m.Cols, Stride: m.Cols,
	}
	forRows(workers, m.Rows, max(1, m.Cols), func(_, first, rows int) {
		for i := first; i < first+rows; i++ {
			row := m.Row(i)
			h.Scale[i] = powerScale(largest(row), float16Top)
			Narrow(h.Data[i*h.Stride:][:h.Cols], row, 1/h.Scale[i])
		}
	})
	return h
}

// powerScale is the power of two s for which most/s lies in [2^top, 2^(top+1)).
func powerScale(most float32, top int) float32 {
	if most == 0 {
		return 1
	}
	_, exponent := math.Frexp(float64(most))
	return float32(math.Ldexp(1, max(exponent-1-top, -126)))
}

// largest returns the largest finite magnitude of x, or 0.
func largest(x []float32) float32 {
	done, most := largestVector(x)
	for _, v := range x[done:] {
		if v = float32(math.Abs(float64(v))); v > most && v <= math.MaxFloat32 {
			most = v
		}
	}
	return most
}
