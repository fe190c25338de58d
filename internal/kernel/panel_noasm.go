//go:build !amd64 || noasm || purego

package kernel

func dotRowsVector(_ []float64, _ int, _, _ []float64) bool { return false }

func addRowMultiplesVector(_, _ int, _ *float64, _ int, _, _ *float64) bool { return false }

func subtractRowMultiplesVector(_, _ int, _ *float64, _ int, _, _ *float64) bool { return false }

func rotateVector(_, _ []float64, _, _ float64) int { return 0 }
