package kernel

import "math"

// narrowGeneric rounds a float32 to 16 bits.
func narrowGeneric[H Half](x float32) H {
	var h H
	if _, ok := any(h).(Float16); ok {
		return H(float16Of(math.Float32bits(x)))
	}
	return H(bfloat16Of(math.Float32bits(x)))
}

// bfloat16Of rounds by adding just below half a unit, and the unit's own bit.
func bfloat16Of(x uint32) uint16 {
	if x&0x7fffffff > 0x7f800000 { // NaN
		return uint16(x>>16) | 0x40
	}
	return uint16((x + 0x7fff + x>>16&1) >> 16)
}

// float16Of rounds the bits of a float32 in the same way, at the place that its
// exponent asks for.
func float16Of(x uint32) uint16 {
	sign, magnitude := uint16(x>>16&0x8000), x&0x7fffffff
	switch {
	case magnitude > 0x7f800000: // NaN
		return sign | 0x7e00 | uint16(magnitude>>13&0x3ff)
	case magnitude >= 0x47800000: // 2¹⁶ and above
		return sign | 0x7c00
	case magnitude >= 0x38800000: // 2⁻¹⁴ and above: a normal number, or rounded up to infinity
		return sign | uint16((magnitude-0x38000000+0xfff+magnitude>>13&1)>>13)
	case magnitude < 0x33000000: // below 2⁻²⁵
		return sign
	}
	// A multiple of 2⁻²⁴: the significand moves right by 14 to 24 places.
	significand, shift := magnitude&0x7fffff|0x800000, 126-magnitude>>23
	half := uint32(1)<<(shift-1) - 1
	return sign | uint16((significand+half+significand>>shift&1)>>shift)
}

// widenHalfGeneric is the float32 that a 16-bit number is.
func widenHalfGeneric[H Half](h H) float32 {
	if _, ok := any(h).(BFloat16); ok {
		return math.Float32frombits(uint32(h) << 16)
	}
	sign, exponent, fraction := uint32(h)>>15<<31, uint32(h)>>10&0x1f, uint32(h)&0x3ff
	switch {
	case exponent == 0x1f && fraction != 0:
		return math.Float32frombits(sign | 0x7fc00000 | fraction<<13)
	case exponent == 0x1f:
		return math.Float32frombits(sign | 0x7f800000)
	case exponent == 0:
		// A multiple of 2⁻²⁴, as a float32 exactly.
		return math.Float32frombits(sign | math.Float32bits(float32(fraction)*0x1p-24))
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}
