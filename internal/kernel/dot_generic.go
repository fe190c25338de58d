package kernel

import "unsafe"

// dotTileGeneric writes the dot products of some rows with one query: its tiles
// have one column.
func dotTileGeneric[F Float](rows, d int, x []F, ldx int, y, out []F, ldo int) {
	for i := range rows {
		out[i*ldo] = dotGeneric(x[i*ldx:][:d], y[:d])
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
