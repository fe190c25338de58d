//go:build amd64 && !noasm && !purego

package kernel

// The vector forms take whole blocks of eight and return how many numbers these
// are.

func poleSumsVector(d, w []float64, origin, offset float64, sums, slopes *[8]float64) int {
	blocks := len(d) / 8
	switch {
	case path == Generic || blocks == 0:
		return 0
	case path == AVX512:
		poleSums512(blocks, &d[0], &w[0], origin, offset, &sums[0], &slopes[0])
	default:
		poleSums256(blocks, &d[0], &w[0], origin, offset, &sums[0], &slopes[0])
	}
	return 8 * blocks
}

func poleRatiosVector(p, d []float64, origin, offset, pole float64) int {
	blocks := len(p) / 8
	switch {
	case path == Generic || blocks == 0:
		return 0
	case path == AVX512:
		poleRatios512(blocks, &p[0], &d[0], origin, offset, pole)
	default:
		poleRatios256(blocks, &p[0], &d[0], origin, offset, pole)
	}
	return 8 * blocks
}

func poleQuotientsVector(out, u, d []float64, origin, offset float64, squares *[8]float64) int {
	blocks := len(out) / 8
	switch {
	case path == Generic || blocks == 0:
		return 0
	case path == AVX512:
		poleQuotients512(blocks, &out[0], &u[0], &d[0], origin, offset, &squares[0])
	default:
		poleQuotients256(blocks, &out[0], &u[0], &d[0], origin, offset, &squares[0])
	}
	return 8 * blocks
}
