package kernel

import (
	"math"
	"unsafe"
)

// fma returns x·y + z, rounded once.
func fma[F Float](x, y, z F) F {
	if unsafe.Sizeof(x) == 4 {
		return F(fma32(float32(x), float32(y), float32(z)))
	}
	return F(math.FMA(float64(x), float64(y), float64(z)))
}

// fma32 returns x·y + z, rounded once to float32. The product is exact in
// float64. Their sum is rounded to 53 bits, and rounding that again to float32
// errs only where it lies halfway between two float32, which has at least 28
// zeros at its end; there the sum is rounded to odd first.
func fma32(x, y, z float32) float32 {
	product, addend := float64(float64(x)*float64(y)), float64(z)
	sum := product + addend
	bits := math.Float64bits(sum)
	if bits&(1<<28-1) != 0 {
		return float32(sum)
	}
	// The rest of the sum, exactly (Knuth's two-sum); NaN where a term is not finite.
	part := sum - product
	rest := (product - (sum - part)) + (addend - part)
	switch {
	case rest == 0 || rest != rest:
	case (rest > 0) == (sum > 0):
		bits++
	default:
		bits--
	}
	return float32(math.Float64frombits(bits))
}
