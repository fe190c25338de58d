//go:build !amd64 || noasm || purego

package kernel

func dotColumns(int) int { return 1 }

func dotTileRows() int { return 1 }

func dotTile[F Float](rows, _, d int, x, _ []F, ldx int, y, out []F, ldo int) {
	dotTileGeneric(rows, d, x, ldx, y, out, ldo)
}
