//go:build amd64 && !noasm && !purego

package kernel

import "unsafe"

// multiplyAdds returns a probe of the current path, and how many fused
// multiply-adds it runs in a step.
func multiplyAdds[F Float]() (run func(steps int), each int) {
	double := unsafe.Sizeof(F(0)) == 8
	switch {
	case path == AVX512 && double:
		return multiplyAddDouble512, 28 * 8
	case path == AVX512:
		return multiplyAddFloat512, 28 * 16
	case path == AVX2 && double:
		return multiplyAddDouble256, 12 * 4
	case path == AVX2:
		return multiplyAddFloat256, 12 * 8
	}
	return multiplyAddGeneric[F], genericChains
}

// read reads all of data.
func read(data []byte) (seen uint64) {
	whole := len(data) &^ (readStep - 1)
	switch {
	case whole == 0 || path == Generic:
		return readGeneric(data)
	case path == AVX512:
		seen = read512(&data[0], whole/512)
	default:
		seen = read256(&data[0], whole/256)
	}
	return seen | readGeneric(data[whole:])
}
