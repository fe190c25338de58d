//go:build amd64 && !noasm && !purego

package kernel

// narrowRow is the width below which registers would stay empty.
const narrowRow = 4

func addRowsVector(leaf []uint32, a, v, s []float64, width int) bool {
	switch {
	case path == Generic || width < narrowRow:
		return false
	case path == AVX512:
		addRows512(len(leaf), &leaf[0], &a[0], &v[0], &s[0], width)
	default:
		addRows256(len(leaf), &leaf[0], &a[0], &v[0], &s[0], width)
	}
	return true
}

func pullRowsVector(from, to []uint32, a, v, s, sum []float64, width int) bool {
	switch {
	case path == Generic || width < narrowRow:
		return false
	case path == AVX512:
		pullRows512(len(from), &from[0], &to[0], &a[0], &v[0], &s[0], &sum[0], width)
	default:
		pullRows256(len(from), &from[0], &to[0], &a[0], &v[0], &s[0], &sum[0], width)
	}
	return true
}

func pullRowsSharedVector(from, to []uint32, a, v, p, total, s, sum []float64, width int) bool {
	switch {
	case path == Generic || width < narrowRow:
		return false
	case path == AVX512:
		pullRowsShared512(len(from), &from[0], &to[0], &a[0], &v[0], &p[0], &total[0], &s[0], &sum[0], width)
	default:
		pullRowsShared256(len(from), &from[0], &to[0], &a[0], &v[0], &p[0], &total[0], &s[0], &sum[0], width)
	}
	return true
}
