// Package draw draws rows at random. What it draws is a function of its arguments, on
// every machine and in every version of Go: it takes nothing but the bits of a PCG,
// whose algorithm is fixed.
package draw

import (
	"math/bits"
	"math/rand/v2"
	"slices"
)

// Below returns one of 0 … n−1, n > 0, by the upper half of a product of n with 64
// random bits: no value is more likely than another by more than n/2⁶⁴.
func Below(source *rand.PCG, n int64) int64 {
	hi, _ := bits.Mul64(source.Uint64(), uint64(n))
	return int64(hi)
}

// Subset returns k of the numbers 0 … n−1, ascending, every such subset with the same
// probability; all of them where k ≥ n. It takes O(k log k) and O(k) memory (Floyd,
// Commun. ACM 30 (1987)).
func Subset(source *rand.PCG, n, k int64) []int64 {
	k = min(k, n)
	drawn := make(map[int64]bool, k)
	out := make([]int64, 0, k)
	for top := n - k; top < n; top++ {
		i := Below(source, top+1)
		if drawn[i] {
			i = top
		}
		drawn[i] = true
		out = append(out, i)
	}
	slices.Sort(out)
	return out
}

// Shuffled returns the numbers 0 … n−1 in random order (Fisher and Yates).
func Shuffled(source *rand.PCG, n int64) []int64 {
	out := make([]int64, n)
	for i := range out {
		j := Below(source, int64(i)+1)
		out[i] = out[j]
		out[j] = int64(i)
	}
	return out
}
