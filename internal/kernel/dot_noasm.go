//go:build !amd64 || noasm || purego

package kernel

func dotColumns(int) int { return 1 }

func dotTileRows() int { return 1 }

func dotTile[F Float](rows, _, d int, x, _ []F, ldx int, y, out []F, ldo int) {
	dotTileGeneric(rows, d, x, ldx, y, out, ldo)
}

func dotInPlace[F Float](n, q, d int, x *F, ldx int, y *F, ldy int, out *F, ldo, ldq int) {
	dotInPlaceGeneric(n, q, d, x, ldx, y, ldy, out, ldo, ldq)
}

func dotPairs[F Float](n, d int, x *F, ldx int, y *F, ldy int, out *F, ldo int) {
	dotPairsGeneric(n, d, x, ldx, y, ldy, out, ldo)
}
