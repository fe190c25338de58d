//go:build amd64 && !noasm && !purego

package kernel

import "unsafe"

// narrowVector narrows the first numbers and returns how many.
func narrowVector[H Half](dst []H, src []float32, scale float32) int {
	n := len(src) &^ 7
	if n == 0 || path == Generic {
		return 0
	}
	var h H
	if _, ok := any(h).(Float16); ok {
		narrowFloat16(scale, n, (*uint16)(unsafe.Pointer(&dst[0])), &src[0])
	} else {
		narrowBFloat16(scale, n, (*uint16)(unsafe.Pointer(&dst[0])), &src[0])
	}
	return n
}

// widenVector widens the first numbers and returns how many.
func widenVector[H Half](dst []float32, src []H) int {
	n := len(src) &^ 7
	if n == 0 || path == Generic {
		return 0
	}
	var h H
	if _, ok := any(h).(Float16); ok {
		widenFloat16(n, &dst[0], (*uint16)(unsafe.Pointer(&src[0])))
	} else {
		widenBFloat16(n, &dst[0], (*uint16)(unsafe.Pointer(&src[0])))
	}
	return n
}

// largestVector returns the largest finite magnitude of the first numbers, and
// how many they are.
func largestVector(x []float32) (done int, most float32) {
	n := len(x) &^ 7
	if n == 0 || path == Generic {
		return 0, 0
	}
	return n, largestFinite(n, &x[0])
}

// halfTile writes the products of some stored rows with a group of queries, as dotTile
// does, and reports whether there is a kernel for it.
func halfTile[H Half](rows, queries, d int, x, later []H, ldx int, y, out []float32, ldo int) bool {
	if path != AVX512 {
		return false
	}
	px, pl := (*uint16)(unsafe.Pointer(&x[0])), (*uint16)(unsafe.Pointer(&later[0]))
	var h H
	if _, ok := any(h).(Float16); ok {
		dotsFloat16512(rows, queries, d, px, pl, ldx, &y[0], &out[0], ldo)
	} else {
		dotsBFloat16512(rows, queries, d, px, pl, ldx, &y[0], &out[0], ldo)
	}
	return true
}
