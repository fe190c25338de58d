//go:build amd64 && !noasm && !purego

package kernel

import "unsafe"

// addProductsVector adds the first products and returns how many.
func addProductsVector[F Float](dst, x, y []F) int {
	n := len(dst) &^ int(32/unsafe.Sizeof(F(0))-1)
	if n == 0 || path == Generic {
		return 0
	}
	to, a, b := unsafe.Pointer(&dst[0]), unsafe.Pointer(&x[0]), unsafe.Pointer(&y[0])
	if unsafe.Sizeof(F(0)) == 4 {
		addProductsFloat(n, (*float32)(to), (*float32)(a), (*float32)(b))
	} else {
		addProductsDouble(n, (*float64)(to), (*float64)(a), (*float64)(b))
	}
	return n
}
