//go:build amd64 && !noasm && !purego

package kernel

import "unsafe"

// dotColumns is the number of queries of a tile.
func dotColumns(queries int) int {
	switch path {
	case AVX512:
		return min(queries, 6)
	case AVX2:
		return min(queries, 3)
	}
	return 1
}

// dotTileRows is the number of train rows of a tile; there are tiles of one row
// too.
func dotTileRows() int {
	switch path {
	case AVX512:
		return 4
	case AVX2:
		return 2
	}
	return 1
}

// dotTile writes the products of some rows of x with some of y, and asks for rows from
// later on.
func dotTile[F Float](rows, queries, d int, x, later []F, ldx int, y, out []F, ldo int) {
	double := unsafe.Sizeof(F(0)) == 8
	px, pl, py, po := unsafe.Pointer(&x[0]), unsafe.Pointer(&later[0]), unsafe.Pointer(&y[0]), unsafe.Pointer(&out[0])
	switch {
	case path == Generic:
		dotTileGeneric(rows, d, x, ldx, y, out, ldo)
	case path == AVX512 && double:
		dotsDouble512(rows, queries, d, (*float64)(px), (*float64)(pl), ldx, (*float64)(py), (*float64)(po), ldo)
	case path == AVX512:
		dotsFloat512(rows, queries, d, (*float32)(px), (*float32)(pl), ldx, (*float32)(py), (*float32)(po), ldo)
	case double:
		dotsDouble256(rows, queries, d, (*float64)(px), (*float64)(pl), ldx, (*float64)(py), (*float64)(po), ldo)
	default:
		dotsFloat256(rows, queries, d, (*float32)(px), (*float32)(pl), ldx, (*float32)(py), (*float32)(po), ldo)
	}
}

// dotInPlace writes the products of n rows of x with q rows of y, each of d numbers.
func dotInPlace[F Float](n, q, d int, x *F, ldx int, y *F, ldy int, out *F, ldo, ldq int) {
	px, py, po := unsafe.Pointer(x), unsafe.Pointer(y), unsafe.Pointer(out)
	double := unsafe.Sizeof(F(0)) == 8
	switch {
	case path == Generic:
		dotInPlaceGeneric(n, q, d, x, ldx, y, ldy, out, ldo, ldq)
	case path == AVX512 && double:
		dotColumnsDouble512(n, q, d, (*float64)(px), ldx, (*float64)(py), ldy, (*float64)(po), ldo, ldq)
	case path == AVX512:
		dotColumnsFloat512(n, q, d, (*float32)(px), ldx, (*float32)(py), ldy, (*float32)(po), ldo, ldq)
	case double:
		dotColumnsDouble256(n, q, d, (*float64)(px), ldx, (*float64)(py), ldy, (*float64)(po), ldo, ldq)
	default:
		dotColumnsFloat256(n, q, d, (*float32)(px), ldx, (*float32)(py), ldy, (*float32)(po), ldo, ldq)
	}
}

// dotPairs writes the products of n rows of x with as many of y, each of d numbers.
func dotPairs[F Float](n, d int, x *F, ldx int, y *F, ldy int, out *F, ldo int) {
	px, py, po := unsafe.Pointer(x), unsafe.Pointer(y), unsafe.Pointer(out)
	double := unsafe.Sizeof(F(0)) == 8
	switch {
	case path == Generic:
		dotPairsGeneric(n, d, x, ldx, y, ldy, out, ldo)
	case path == AVX512 && double:
		dotPairsDouble512(n, d, (*float64)(px), ldx, (*float64)(py), ldy, (*float64)(po), ldo)
	case path == AVX512:
		dotPairsFloat512(n, d, (*float32)(px), ldx, (*float32)(py), ldy, (*float32)(po), ldo)
	case double:
		dotPairsDouble256(n, d, (*float64)(px), ldx, (*float64)(py), ldy, (*float64)(po), ldo)
	default:
		dotPairsFloat256(n, d, (*float32)(px), ldx, (*float32)(py), ldy, (*float32)(po), ldo)
	}
}
