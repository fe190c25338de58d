//go:build amd64 && !noasm && !purego

package kernel

import "unsafe"

// gemm32 and gemm64 hold the kernels by path. Tiles are as wide and high as
// registers allow; a packed block of the left side fills two thirds of a second
// level cache of 1 MiB.
var gemm32 = [...]gemmKernels[float32]{
	Generic: genericGemm[float32](),
	AVX2: {
		tile: func(k int, a, b, c []float32, ldc int) { tileFloat256(k, &a[0], &b[0], &c[0], ldc) },
		strip: func(m, n, k int, a []float32, across, along int, b []float32, ldb int, c []float32, ldc int) {
			stripFloat256(m, n, k, &a[0], across, along, &b[0], ldb, &c[0], ldc)
		},
		spread: func(k, n int, dst []float32, step int, src []float32, ld, width int) {
			spreadFloat256(k, n, &dst[0], step, &src[0], ld, width)
		},
		widen: func(src []float32, dst []float64) {
			whole := len(src) &^ 3
			if whole > 0 {
				widenFloat256(whole, &src[0], &dst[0])
			}
			widenGeneric(src[whole:], dst[whole:])
		},
		wide:      8,
		transpose: transpose32,
		rows:      6, cols: 16, lanes: 8, blockRows: 240, depth: 256,
	},
	AVX512: {
		tile: func(k int, a, b, c []float32, ldc int) { tileFloat512(k, &a[0], &b[0], &c[0], ldc) },
		strip: func(m, n, k int, a []float32, across, along int, b []float32, ldb int, c []float32, ldc int) {
			if n <= 8 && k >= 64 {
				// A register of half the width holds them, and two of those are
				// multiplied at a time.
				stripFloat256(m, n, k, &a[0], across, along, &b[0], ldb, &c[0], ldc)
				return
			}
			stripFloat512(m, n, k, &a[0], across, along, &b[0], ldb, &c[0], ldc)
		},
		spread: func(k, n int, dst []float32, step int, src []float32, ld, width int) {
			spreadFloat512(k, n, &dst[0], step, &src[0], ld, width)
		},
		widen: func(src []float32, dst []float64) {
			whole := len(src) &^ 7
			if whole > 0 {
				widenFloat512(whole, &src[0], &dst[0])
			}
			widenGeneric(src[whole:], dst[whole:])
		},
		wide:      16,
		transpose: transpose32,
		rows:      14, cols: 32, lanes: 8, blockRows: 224, depth: 768,
	},
}

var gemm64 = [...]gemmKernels[float64]{
	Generic: genericGemm[float64](),
	AVX2: {
		tile: func(k int, a, b, c []float64, ldc int) { tileDouble256(k, &a[0], &b[0], &c[0], ldc) },
		strip: func(m, n, k int, a []float64, across, along int, b []float64, ldb int, c []float64, ldc int) {
			stripDouble256(m, n, k, &a[0], across, along, &b[0], ldb, &c[0], ldc)
		},
		spread: func(k, n int, dst []float64, step int, src []float64, ld, width int) {
			spreadDouble256(k, n, &dst[0], step, &src[0], ld, width)
		},
		widen: func(src []float64, dst []float64) {
			whole := len(src) &^ 3
			if whole > 0 {
				widenDouble256(whole, &src[0], &dst[0])
			}
			widenGeneric(src[whole:], dst[whole:])
		},
		wide:      4,
		transpose: transpose64,
		rows:      6, cols: 8, lanes: 4, blockRows: 120, depth: 256,
	},
	AVX512: {
		tile: func(k int, a, b, c []float64, ldc int) { tileDouble512(k, &a[0], &b[0], &c[0], ldc) },
		strip: func(m, n, k int, a []float64, across, along int, b []float64, ldb int, c []float64, ldc int) {
			stripDouble512(m, n, k, &a[0], across, along, &b[0], ldb, &c[0], ldc)
		},
		spread: func(k, n int, dst []float64, step int, src []float64, ld, width int) {
			spreadDouble512(k, n, &dst[0], step, &src[0], ld, width)
		},
		widen: func(src []float64, dst []float64) {
			whole := len(src) &^ 7
			if whole > 0 {
				widenDouble512(whole, &src[0], &dst[0])
			}
			widenGeneric(src[whole:], dst[whole:])
		},
		wide:      8,
		transpose: transpose64,
		rows:      14, cols: 16, lanes: 4, blockRows: 112, depth: 768,
	},
}

func transpose32(dst []float32, stride int, src []float32, ld, rows, k int) {
	transposeFloat256(&dst[0], stride, &src[0], ld, rows, k)
}

func transpose64(dst []float64, stride int, src []float64, ld, rows, k int) {
	transposeDouble256(&dst[0], stride, &src[0], ld, rows, k)
}

// stripInPlace is the strip of the current path, for numbers that may lie on the stack.
func stripInPlace[F Float](m, n, k int, a *F, across, along int, b *F, ldb int, c *F, ldc int) {
	pa, pb, pc := unsafe.Pointer(a), unsafe.Pointer(b), unsafe.Pointer(c)
	double := unsafe.Sizeof(F(0)) == 8
	switch {
	case path == Generic:
		stripInPlaceGeneric(m, n, k, a, across, along, b, ldb, c, ldc)
	case path == AVX512 && double:
		stripDouble512(m, n, k, (*float64)(pa), across, along, (*float64)(pb), ldb, (*float64)(pc), ldc)
	case double:
		stripDouble256(m, n, k, (*float64)(pa), across, along, (*float64)(pb), ldb, (*float64)(pc), ldc)
	default:
		stripFloat256(m, n, k, (*float32)(pa), across, along, (*float32)(pb), ldb, (*float32)(pc), ldc)
	}
}
