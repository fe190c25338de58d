//go:build !amd64 || noasm || purego

package kernel

func addRowsVector(_ []uint32, _, _, _ []float64, _ int) bool { return false }

func pullRowsVector(_, _ []uint32, _, _, _, _ []float64, _ int) bool { return false }

func pullRowsSharedVector(_, _ []uint32, _, _, _, _, _, _ []float64, _ int) bool { return false }
