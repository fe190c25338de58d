//go:build amd64 && !noasm && !purego

package kernel

import "golang.org/x/sys/cpu"

// vnni says whether the AVX512 path may multiply bytes four at a time; it does
// what AVX2 does otherwise, and the bits are the same.
var vnni = cpu.X86.HasAVX512VNNI

// int8Columns is the largest number of queries of a tile.
func int8Columns() int {
	switch {
	case path == AVX512 && vnni:
		return 4
	case path >= AVX2:
		return 2
	}
	return 1
}

// int8Tile writes the scores of int8Rows train rows with a group of queries.
func int8Tile(steps int, x []int8, ldx int, scale []float32, lds int, g *int8Group, out []float32, ldo int) {
	switch {
	case path == Generic:
		int8TileGeneric(steps, x, ldx, scale, lds, g, out, ldo)
	case path == AVX512 && vnni:
		int8Dots512(g.count, steps, &x[0], ldx, &scale[0], lds, &g.numbers[0], &g.sums[0], &g.scales[0], &out[0], ldo)
	default:
		int8Dots256(g.count, steps, &x[0], ldx, &scale[0], lds, &g.numbers[0], &g.sums[0], &g.scales[0], &out[0], ldo)
	}
}

// hasInt8Product says whether int8ProductTile is there.
func hasInt8Product() bool { return path == AVX512 && vnni }

// int8ProductTile adds the products of a block to int8TileRows × int8TileCols
// scores.
func int8ProductTile(k int, a, b, start []int32, scale, yscale, c []float32, ldc int) {
	int8Tile512(k, &a[0], &b[0], &start[0], &scale[0], &yscale[0], &c[0], ldc)
}

// hasInt8Strips says whether int8StripTile is there.
func hasInt8Strips() bool { return path == AVX512 && vnni }

// int8StripTile writes the scores of int8StripRows train rows with a strip of queries,
// and asks for rows from later on.
func int8StripTile(fours int, x, later []int8, ldx int, scale []float32, lds int, s *int8Strip, out []float32, ldo int) {
	int8Strip512(1<<s.count-1, fours, &x[0], &later[0], ldx, &scale[0], lds, &s.numbers[0], &out[0], ldo)
}
