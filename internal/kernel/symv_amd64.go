//go:build amd64 && !noasm && !purego

package kernel

// symvRowsVector is [SymvLower] for the eight rows from i on.
func symvRowsVector(a []float64, stride, from, i int, x, y []float64) bool {
	blocks := (i - from) / SymvBlock
	switch path {
	case Generic:
		return false
	case AVX512:
		symvRows512(blocks, &a[i*stride+from], stride, &x[from], &y[from], &x[i], &y[i])
	default:
		symvRows256(blocks, &a[i*stride+from], stride, &x[from], &y[from], &x[i], &y[i])
		symvRows256(blocks, &a[(i+4)*stride+from], stride, &x[from], &y[from], &x[i+4], &y[i+4])
	}
	return true
}
