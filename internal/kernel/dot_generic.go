package kernel

import "unsafe"

// dotTileGeneric writes the dot products of some rows with one query: its tiles
// have one column.
func dotTileGeneric[F Float](rows, d int, x []F, ldx int, y, out []F, ldo int) {
	for i := range rows {
		out[i*ldo] = dotGeneric(x[i*ldx:][:d], y[:d])
	}
}

// dotInPlaceGeneric writes the dot products of n > 0 rows of x with q rows of y.
func dotInPlaceGeneric[F Float](n, q, d int, x *F, ldx int, y *F, ldy int, out *F, ldo, ldq int) {
	ys, to := unsafe.Slice(y, (q-1)*ldy+d), unsafe.Slice(out, (n-1)*ldo+(q-1)*ldq+1)
	for j := range q {
		dotPairsGeneric(n, d, x, ldx, &ys[j*ldy], 0, &to[j*ldq], ldo)
	}
}

// dotPairsGeneric writes the dot products of n > 0 rows of x with as many of y, which
// are the same where ldy is 0.
func dotPairsGeneric[F Float](n, d int, x *F, ldx int, y *F, ldy int, out *F, ldo int) {
	xs, ys, to := unsafe.Slice(x, (n-1)*ldx+d), unsafe.Slice(y, (n-1)*ldy+d), unsafe.Slice(out, (n-1)*ldo+1)
	for i := range n {
		to[i*ldo] = dotGeneric(xs[i*ldx:][:d], ys[i*ldy:][:d])
	}
}

// dotLanes is the number of lanes of a dot product.
func dotLanes[F Float]() int { return int(64 / unsafe.Sizeof(F(0))) }

// dotGeneric is the definition of a dot product; see [Dots].
func dotGeneric[F Float](x, y []F) F {
	lanes := dotLanes[F]()
	var sum [mostLanes]F
	for ; len(x) >= lanes; x, y = x[lanes:], y[lanes:] {
		for s := range lanes {
			sum[s] = fma(x[s], y[s], sum[s])
		}
	}
	if len(x) > 0 {
		var restX, restY [mostLanes]F
		copy(restX[:], x)
		copy(restY[:], y)
		for s := range lanes {
			sum[s] = fma(restX[s], restY[s], sum[s])
		}
	}
	for half := lanes / 2; half > 0; half /= 2 {
		for s := range half {
			sum[s] += sum[s+half]
		}
	}
	return sum[0]
}
