package kernel

import "unsafe"

// A gemmKernels is what a path brings to products of matrices: its innermost
// loops and the sizes that suit them.
type gemmKernels[F Float] struct {
	// tile adds a product of packed sides to rows × cols numbers:
	// c[i·ldc + j] = fma(a[l·rows + i], b[l·cols + j], c[i·ldc + j]), l < k.
	tile func(k int, a, b, c []F, ldc int)
	// strip adds to m × n numbers, n up to cols, from any left side:
	// c[i·ldc + j] = fma(a[i·across + l·along], b[l·ldb + j], c[i·ldc + j]), l < k.
	strip func(m, n, k int, a []F, across, along int, b []F, ldb int, c []F, ldc int)
	// transpose writes src[i·ld + l] to dst[l·stride + i] for i < lanes, l < k; it
	// reads the last of rows again where there are fewer than lanes, and wants k
	// to be at least lanes. It is nil where a loop is as good.
	transpose func(dst []F, stride int, src []F, ld, rows, k int)
	// spread writes src[l·ld + s·width + j] to dst[s·step + l·width + j] for l < k,
	// s < n, j < width, and up to a multiple of wide for j: what is too much there
	// is written again with the next l. It is nil where a loop is as good.
	spread func(k, n int, dst []F, step int, src []F, ld, width int)
	// widen adds src to dst.
	widen func(src []F, dst []float64)

	rows, cols int // of a tile
	lanes      int // vectors that transpose takes
	wide       int // numbers that spread takes at a time
	blockRows  int // rows of the left side that are packed together
	depth      int // steps over k that are packed together, at most
}

// kernelsOf returns what the current path brings.
func kernelsOf[F Float]() *gemmKernels[F] {
	if unsafe.Sizeof(F(0)) == 4 {
		return (*gemmKernels[F])(unsafe.Pointer(&gemm32[path]))
	}
	return (*gemmKernels[F])(unsafe.Pointer(&gemm64[path]))
}

// depthOf returns the depth that cuts k into equal parts.
func (g *gemmKernels[F]) depthOf(k int) int { return evenPart(k, g.depth, unrolledSteps) }

// evenPart returns the size of the parts, of at most most, into which n falls
// most evenly, rounded up to whole units.
func evenPart(n, most, unit int) int {
	return roundUp(ceilDiv(n, max(1, ceilDiv(n, most))), unit)
}

// leftNumbers is how many numbers a packed block of the left side takes.
func (g *gemmKernels[F]) leftNumbers() int { return g.blockRows*g.depth + slack }

const (
	slack         = 16 // numbers that a transposition may spill behind the last
	unrolledSteps = 4  // steps over k that a tile takes at a time
)

func ceilDiv(n, d int) int { return (n + d - 1) / d }

func roundUp(n, unit int) int { return ceilDiv(n, unit) * unit }

// A span is count neighbours from first on.
type span struct{ first, count int }

// cut divides n rows into spans of up to most of them, in whole units. The last
// ones are shorter, so that workers end together.
func cut(n, unit, most, workers int) []span {
	var spans []span
	for at := 0; at < n; {
		size := roundUp((n-at)/(2*max(1, workers)), unit)
		size = min(max(size, 2*unit), most, n-at)
		spans = append(spans, span{at, size})
		at += size
	}
	return spans
}
