package kernel

import "math"

// foldGeneric adds x to acc with random signs, each number in a place of its own:
//
//	acc[j xor shift] += ±x[j−first]    minus where bit j of signs is set
func foldGeneric(acc, x []float32, first, shift int, signs []uint64) {
	for i, value := range x {
		j := first + i
		minus := uint32(signs[j/64]>>(j%64)) << 31
		acc[j^shift] += math.Float32frombits(math.Float32bits(value) ^ minus)
	}
}

// transformGeneric applies the Hadamard matrix, stage by stage: numbers 1 apart,
// then 2, 4, … become their sum and their difference.
func transformGeneric(x []float32) {
	for stride := 1; stride < len(x); stride *= 2 {
		for i := 0; i < len(x); i += 2 * stride {
			low, high := x[i:][:stride], x[i+stride:][:stride]
			for j, a := range low {
				b := high[j]
				low[j], high[j] = a+b, a-b
			}
		}
	}
}

func addFloatsGeneric(to, from []float32) {
	for i, x := range from {
		to[i] += x
	}
}
