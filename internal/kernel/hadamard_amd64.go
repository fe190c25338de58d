//go:build amd64 && !noasm && !purego

package kernel

// narrowChunk is the size below which the vector forms have no whole word of
// signs.
const narrowChunk = 64

// fold is [foldGeneric]. The vector forms take whole words of signs; the numbers
// before and behind are added one by one, which changes no bit, since each has a
// place of its own.
func fold(acc, x []float32, first, shift int, signs []uint64) {
	head := min(-first&63, len(x))
	words := (len(x) - head) / 64
	if path == Generic || len(acc) < narrowChunk || words == 0 {
		foldGeneric(acc, x, first, shift, signs)
		return
	}
	_ = acc[first+len(x)-1]
	foldGeneric(acc, x[:head], first, shift, signs)
	middle := first + head
	if path == AVX512 {
		foldSigned512(words, &x[head], &signs[middle/64], &acc[0], middle, shift)
	} else {
		foldSigned256(words, &x[head], &signs[middle/64], &acc[0], middle, shift)
	}
	end := head + 64*words
	foldGeneric(acc, x[end:], first+end, shift, signs)
}

// transform is [transformGeneric].
func transform(x []float32) {
	n := len(x)
	if path == Generic || n < narrowChunk {
		transformGeneric(x)
		return
	}
	stride := 8
	lanes, two, four, eight := hadamardLanes256, hadamardPass2_256, hadamardPass4_256, hadamardPass8_256
	if path == AVX512 {
		stride = 16
		lanes, two, four, eight = hadamardLanes512, hadamardPass2_512, hadamardPass4_512, hadamardPass8_512
	}
	lanes(n, &x[0])
	for ; 8*stride <= n; stride *= 8 {
		eight(n, &x[0], stride)
	}
	switch n / stride {
	case 4:
		four(n, &x[0], stride)
	case 2:
		two(n, &x[0], stride)
	}
}

// addFloats is [addFloatsGeneric].
func addFloats(to, from []float32) {
	whole := len(from) &^ 15
	if path == Generic || whole == 0 {
		addFloatsGeneric(to, from)
		return
	}
	_ = to[:len(from)]
	if path == AVX512 {
		addFloats512(whole, &from[0], &to[0])
	} else {
		addFloats256(whole, &from[0], &to[0])
	}
	addFloatsGeneric(to[whole:], from[whole:])
}
