package kernel

// A counterStream is a function from a seed, a purpose and a counter to 64
// random bits. It has no state, so any worker finds any number at once, and it
// computes with integers, so every machine finds the same ones. Its numbers are
// those of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), started at a place
// that seed and purpose choose.
type counterStream uint64

// The purposes for which a projection draws.
const (
	forSigns = iota
	forShifts
	forRademacher
	forGaussian
)

// newCounterStream returns the stream of a seed and a purpose.
func newCounterStream(seed uint64, purpose int) counterStream {
	return counterStream(splitMix(splitMix(seed) + uint64(purpose)))
}

// at returns the bits of a counter.
func (s counterStream) at(counter uint64) uint64 { return splitMix(uint64(s) + counter) }

// fill sets words to the bits of consecutive counters.
func (s counterStream) fill(first uint64, words []uint64) {
	for i := range words {
		words[i] = s.at(first + uint64(i))
	}
}

// splitMix returns the number that follows state x in SplitMix64.
func splitMix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
