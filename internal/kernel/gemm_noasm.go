//go:build !amd64 || noasm || purego

package kernel

var (
	gemm32 = [...]gemmKernels[float32]{genericGemm[float32]()}
	gemm64 = [...]gemmKernels[float64]{genericGemm[float64]()}
)
