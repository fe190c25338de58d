package kernel

import "encoding/binary"

const (
	genericChains = 8
	readStep      = 512 // bytes, a multiple of what any path takes at a time
)

// multiplyAddGeneric runs n times genericChains independent fused multiply-adds.
func multiplyAddGeneric[F Float](n int) {
	var a, b, c, d, e, f, g, h F
	for range n {
		a, b, c, d = fma(1, a, a), fma(1, b, b), fma(1, c, c), fma(1, d, d)
		e, f, g, h = fma(1, e, e), fma(1, f, f), fma(1, g, g), fma(1, h, h)
	}
	if a+b+c+d+e+f+g+h != 0 {
		panic("kernel: zeros have a sum")
	}
}

// readGeneric reads all of data, eight bytes at a time.
func readGeneric(data []byte) uint64 {
	var a, b, c, d uint64
	for ; len(data) >= 32; data = data[32:] {
		a |= binary.LittleEndian.Uint64(data)
		b |= binary.LittleEndian.Uint64(data[8:])
		c |= binary.LittleEndian.Uint64(data[16:])
		d |= binary.LittleEndian.Uint64(data[24:])
	}
	for _, x := range data {
		a |= uint64(x)
	}
	return a | b | c | d
}
