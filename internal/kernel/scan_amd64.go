//go:build amd64 && !noasm && !purego

package kernel

import "unsafe"

// outside returns a mask of columns from at on whose scores are not strictly
// between their bounds; there are none between from and at, and none at all where
// the mask is 0. The bounds are longer than the scores by mostLanes.
func outside[F Float](scores, atLeast, atMost []F, from int) (at int, mask uint64) {
	n := len(scores)
	_, _ = atLeast[:n+mostLanes], atMost[:n+mostLanes]
	s, high, low := unsafe.Pointer(&scores[0]), unsafe.Pointer(&atLeast[0]), unsafe.Pointer(&atMost[0])
	double := unsafe.Sizeof(F(0)) == 8
	switch {
	case path == Generic:
		return outsideGeneric(scores, atLeast, atMost, from)
	case path == AVX512 && double:
		return outsideDouble512(n, (*float64)(s), (*float64)(high), (*float64)(low), from)
	case path == AVX512:
		return outsideFloat512(n, (*float32)(s), (*float32)(high), (*float32)(low), from)
	case double:
		return outsideDouble256(n, (*float64)(s), (*float64)(high), (*float64)(low), from)
	}
	return outsideFloat256(n, (*float32)(s), (*float32)(high), (*float32)(low), from)
}
