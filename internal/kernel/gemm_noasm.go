//go:build !amd64 || noasm || purego

package kernel

var (
	gemm32 = [...]gemmKernels[float32]{genericGemm[float32]()}
	gemm64 = [...]gemmKernels[float64]{genericGemm[float64]()}
)

func stripInPlace[F Float](m, n, k int, a *F, across, along int, b *F, ldb int, c *F, ldc int) {
	stripInPlaceGeneric(m, n, k, a, across, along, b, ldb, c, ldc)
}
