package kernel

import "math"

//go:generate go -C _gen run . -family hadamard -out ../hadamard_amd64.s -stubs ../hadamard_stubs_amd64.go -pkg kernel

// A Hadamard is a random projection of vectors of any length to Size numbers.
// It cuts a vector x into chunks x_0, x_1, … of Size numbers, the last filled up
// with zeros:
//
//	P·x = 1/√Size · Σ_c E_c·H·D_c·x_c
//
// H is the Hadamard matrix of that size (Sylvester's, entries (−1)^popcount(i&j)),
// D_c random signs, and E_c the diagonal of a random row of H. So E⟨Px, Py⟩ =
// ⟨x, y⟩, each chunk keeps its inner products exactly, and what two chunks have
// to do with each other adds an error of variance at most
//
//	(‖x‖²·‖y‖² + ⟨x, y⟩²) / Size
//
// for any two fixed vectors: the bound of a matrix of independent signs.
//
// E_c·H equals H·X_c where X_c puts number j in the place j xor r_c. So chunks are
// flipped, moved and added up, and one transform ends the sum: the cost is one
// pass over x, at the speed of memory. Without E_c (Σ H·D_c·x_c) numbers that lie
// a multiple of Size apart would always meet, and a gradient whose weight lies in
// a few columns of a matrix would lose all but as many numbers.
//
// The sign of number j of the whole vector is bit j mod 64 of word ⌊j/64⌋ of a
// stream that is a function of the seed alone; r_c is word c of another. Additions
// are float32: chunk c belongs to lane c mod 16, a lane adds its chunks in
// ascending order, and the lanes meet on a tree (8 apart, then 4, 2, 1). So bits
// depend on neither workers, the CPU, nor the cutting of a stream into pieces.
// NaN and ±Inf spread over the whole result.
//
// A Hadamard is a value and may be used from several goroutines.
type Hadamard struct {
	size          int
	signs, shifts counterStream
}

// maxProjected bounds the numbers that a projection gives.
const maxProjected = 1 << 24

// NewHadamard returns the projection of a seed to size numbers, a power of two up
// to 2²⁴. Another size is a panic.
func NewHadamard(seed uint64, size int) Hadamard {
	if size < 1 || size > maxProjected || size&(size-1) != 0 {
		panic("kernel: the size of a Hadamard projection is no power of two")
	}
	return Hadamard{size, newCounterStream(seed, forSigns), newCounterStream(seed, forShifts)}
}

// Size is the number of numbers that a vector becomes.
func (h Hadamard) Size() int { return h.size }

// Project projects the rows of x (n × d) to the rows of out (n × Size), which must
// not overlap x. At most workers goroutines run, all ended on return. Scratch
// memory is that of a [HadamardSum] of eight vectors.
func (h Hadamard) Project(workers int, x, out Matrix[float32]) {
	x.check()
	if out.Rows != x.Rows {
		panic("kernel: a result does not fit its projection")
	}
	const panel = 8
	for v := 0; v < x.Rows; v += panel {
		n := min(panel, x.Rows-v)
		s := h.Sum(n)
		s.Add(workers, 0, x.Block(v, 0, n, x.Cols))
		s.Finish(workers, out.Block(v, 0, n, out.Cols))
	}
}

// hadamardLaneCount is the number of chains in which chunks are added.
const hadamardLaneCount = 16

// A HadamardSum projects n vectors that arrive in pieces, and then the next n with
// the same memory: up to 64·n·Size bytes. It is for one goroutine.
type HadamardSum struct {
	Hadamard
	n      int
	memory [hadamardLaneCount][]float32 // n × Size each, made when first used
	lanes  [hadamardLaneCount][]float32 // that memory, or nil while the lane is zero
}

// Sum begins a projection of n vectors, which are zero so far.
func (h Hadamard) Sum(n int) *HadamardSum { return &HadamardSum{Hadamard: h, n: n} }

// Add adds a piece of all n vectors: row v of x holds the numbers from offset on of
// vector v. Numbers that no piece brings are zero, and numbers that several bring
// are added up. The bits are those of the whole vectors where pieces come in
// ascending order and do not overlap; in another order they may differ by the
// rounding of the sums.
func (s *HadamardSum) Add(workers int, offset int64, x Matrix[float32]) {
	x.check()
	if x.Rows != s.n || offset < 0 {
		panic("kernel: a piece does not fit its projection")
	}
	if x.Rows == 0 || x.Cols == 0 {
		return
	}
	size := int64(s.size)
	firstChunk, lastChunk := offset/size, (offset+int64(x.Cols)-1)/size
	words := make([][]uint64, max(workers, 1))
	forBlocks(workers, int(min(hadamardLaneCount, lastChunk-firstChunk+1)), func(worker, i int) {
		lane := (firstChunk + int64(i)) % hadamardLaneCount
		s.open(lane)
		if words[worker] == nil {
			words[worker] = make([]uint64, max(1, s.size/64))
		}
		for c := firstChunk + int64(i); c <= lastChunk; c += hadamardLaneCount {
			from, to := max(c*size, offset), min((c+1)*size, offset+int64(x.Cols))
			s.addChunk(c, int(from-c*size), x.Block(0, int(from-offset), s.n, int(to-from)), s.lanes[lane], words[worker])
		}
	})
}

// open makes a lane ready to be added to.
func (s *HadamardSum) open(lane int64) {
	switch {
	case s.lanes[lane] != nil:
		return
	case s.memory[lane] == nil:
		s.memory[lane] = make([]float32, s.n*s.size)
	default:
		clear(s.memory[lane])
	}
	s.lanes[lane] = s.memory[lane]
}

// addChunk adds numbers first, first+1, … of a chunk of each vector to its lane.
func (s *HadamardSum) addChunk(chunk int64, first int, x Matrix[float32], lane []float32, words []uint64) {
	start := chunk * int64(s.size)
	lo, hi := first/64, (first+x.Cols+63)/64
	s.signs.fill(uint64(start/64+int64(lo)), words[lo:hi])
	if s.size < 64 {
		words[0] >>= uint(start % 64)
	}
	shift := int(s.shifts.at(uint64(chunk)) & uint64(s.size-1))
	for v := range s.n {
		fold(lane[v*s.size:][:s.size], x.Row(v), first, shift, words)
	}
}

// Finish writes the projection of vector v to row v of out (n × Size). The sum is
// zero again after it.
func (s *HadamardSum) Finish(workers int, out Matrix[float32]) {
	out.check()
	if out.Rows != s.n || out.Cols != s.size {
		panic("kernel: a result does not fit its projection")
	}
	scale := float32(1 / math.Sqrt(float64(s.size)))
	forBlocks(workers, s.n, func(_, v int) {
		total := s.meet(v)
		row := out.Row(v)
		if total == nil {
			clear(row)
			return
		}
		transform(total)
		for i, t := range total {
			row[i] = t * scale
		}
	})
	s.lanes = [hadamardLaneCount][]float32{}
}

// meet adds up the lanes of a vector on the fixed tree. A lane without chunks adds
// nothing: a chain starts at +0, so it never is −0.
func (s *HadamardSum) meet(v int) []float32 {
	var lanes [hadamardLaneCount][]float32
	for l, all := range s.lanes {
		if all != nil {
			lanes[l] = all[v*s.size:][:s.size]
		}
	}
	for step := hadamardLaneCount / 2; step > 0; step /= 2 {
		for l := range step {
			switch a, b := lanes[l], lanes[l+step]; {
			case a == nil:
				lanes[l] = b
			case b != nil:
				addFloats(a, b)
			}
		}
	}
	return lanes[0]
}
