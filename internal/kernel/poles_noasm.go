//go:build !amd64 || noasm || purego

package kernel

func poleSumsVector(_, _ []float64, _, _ float64, _, _ *[8]float64) int { return 0 }

func poleRatiosVector(_, _ []float64, _, _, _ float64) int { return 0 }

func poleQuotientsVector(_, _, _ []float64, _, _ float64, _ *[8]float64) int { return 0 }
