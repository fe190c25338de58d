//go:build !amd64 || noasm || purego

package kernel

func symvRowsVector(_ []float64, _, _, _ int, _, _ []float64) bool { return false }
