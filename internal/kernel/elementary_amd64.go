//go:build amd64 && !noasm && !purego

package kernel

func expsVector(out, x []float64) int {
	switch {
	case path == Generic || len(x) == 0:
		return 0
	case path == AVX512:
		return exps512(len(x), &x[0], &out[0], &twoTo[0].hi)
	}
	return exps256(len(x), &x[0], &out[0], &twoTo[0].hi)
}

func sigmoidsVector(out, x []float64) int {
	switch {
	case path == Generic || len(x) == 0:
		return 0
	case path == AVX512:
		return sigmoids512(len(x), &x[0], &out[0], &twoTo[0].hi)
	}
	return sigmoids256(len(x), &x[0], &out[0], &twoTo[0].hi)
}
