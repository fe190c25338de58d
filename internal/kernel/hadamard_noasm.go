//go:build !amd64 || noasm || purego

package kernel

func fold(acc, x []float32, first, shift int, signs []uint64) {
	foldGeneric(acc, x, first, shift, signs)
}

func transform(x []float32) { transformGeneric(x) }

func addFloats(to, from []float32) { addFloatsGeneric(to, from) }
