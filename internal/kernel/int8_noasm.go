//go:build !amd64 || noasm || purego

package kernel

func int8Columns() int { return 1 }

func int8Tile(steps int, x []int8, ldx int, scale []float32, lds int, g *int8Group, out []float32, ldo int) {
	int8TileGeneric(steps, x, ldx, scale, lds, g, out, ldo)
}

func hasInt8Product() bool { return false }

func int8ProductTile(_ int, _, _, _ []int32, _, _, _ []float32, _ int) {
	panic("kernel: no product of int8 in this build")
}

func hasInt8Strips() bool { return false }

func int8StripTile(_ int, _, _ []int8, _ int, _ []float32, _ int, _ *int8Strip, _ []float32, _ int) {
	panic("kernel: no strips of int8 in this build")
}
