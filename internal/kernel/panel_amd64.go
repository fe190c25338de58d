//go:build amd64 && !noasm && !purego

package kernel

func dotRowsVector(a []float64, stride int, x, out []float64) bool {
	if path == Generic || len(x) == 0 || len(out) == 0 {
		return false
	}
	blocks, r := len(x)/8, 0
	for ; r+4 <= len(out); r += 4 {
		if path == AVX512 {
			dotFourRows512(blocks, &a[r*stride], stride, &x[0], &out[r])
		} else {
			dotFourRows256(blocks, &a[r*stride], stride, &x[0], &out[r])
		}
	}
	for ; r < len(out); r++ {
		if path == AVX512 {
			dotRow512(blocks, &a[r*stride], &x[0], &out[r])
		} else {
			dotRow256(blocks, &a[r*stride], &x[0], &out[r])
		}
	}
	return true
}

func addRowMultiplesVector(length, rows int, a *float64, stride int, c, y *float64) bool {
	switch path {
	case Generic:
		return false
	case AVX512:
		addRowMultiples512(length, rows, a, stride, c, y)
	default:
		addRowMultiples256(length, rows, a, stride, c, y)
	}
	return true
}

func subtractRowMultiplesVector(length, rows int, a *float64, stride int, c, y *float64) bool {
	switch path {
	case Generic:
		return false
	case AVX512:
		subtractRowMultiples512(length, rows, a, stride, c, y)
	default:
		subtractRowMultiples256(length, rows, a, stride, c, y)
	}
	return true
}

// rotateVector takes whole blocks of eight and returns how many numbers these are.
func rotateVector(x, y []float64, c, s float64) int {
	blocks := len(x) / 8
	switch {
	case path == Generic:
		return 0
	case path == AVX512:
		rotate512(blocks, &x[0], &y[0], c, s)
	default:
		rotate256(blocks, &x[0], &y[0], c, s)
	}
	return 8 * blocks
}
