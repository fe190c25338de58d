package goldentest

// Counted returns number k of a sequence in [−0.5, 0.5) that any program can compute:
// weights and rows of the published cases come from it, so that they need no file.
func Counted(seed, k uint32) float64 {
	z := k*0x9E3779B9 + seed*0x85EBCA6B
	z ^= z >> 16
	z *= 0x21F0AAAD
	z ^= z >> 15
	z *= 0x735A2D97
	z ^= z >> 15
	return float64(z)/(1<<32) - 0.5
}

// CountedRows returns rows × cols counted numbers times scale.
func CountedRows(seed uint32, rows, cols int, scale float64) [][]float64 {
	out := make([][]float64, rows)
	for i := range out {
		out[i] = make([]float64, cols)
		for j := range out[i] {
			out[i][j] = scale * Counted(seed, uint32(i*cols+j))
		}
	}
	return out
}
