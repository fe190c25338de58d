package kernel

import mathbits "math/bits"

// A numpyPCG64 gives the numbers of numpy.random.PCG64: the generator PCG XSL RR
// 128/64 (O'Neill 2014), seeded through numpy's SeedSequence.
type numpyPCG64 struct {
	state, increment uint128
}

type uint128 struct{ high, low uint64 }

func (a uint128) plus(b uint128) uint128 {
	low, carry := mathbits.Add64(a.low, b.low, 0)
	high, _ := mathbits.Add64(a.high, b.high, carry)
	return uint128{high, low}
}

func (a uint128) times(b uint128) uint128 {
	high, low := mathbits.Mul64(a.low, b.low)
	return uint128{high + a.high*b.low + a.low*b.high, low}
}

var pcgMultiplier = uint128{0x2360ed051fc65da4, 0x4385df649fccf645}

// newNumpyPCG64 returns PCG64(seed).
func newNumpyPCG64(seed uint64) *numpyPCG64 {
	s := seedWords(seed)
	start, sequence := uint128{s[0], s[1]}, uint128{s[2], s[3]}
	p := &numpyPCG64{increment: sequence.plus(sequence).plus(uint128{0, 1})}
	p.step()
	p.state = p.state.plus(start)
	p.step()
	return p
}

func (p *numpyPCG64) step() { p.state = p.state.times(pcgMultiplier).plus(p.increment) }

// next returns the next 64 bits.
func (p *numpyPCG64) next() uint64 {
	p.step()
	return mathbits.RotateLeft64(p.state.high^p.state.low, -int(p.state.high>>58))
}

// A seedHash is the hash with a moving constant that SeedSequence uses.
type seedHash struct{ constant, multiplier uint32 }

func (h *seedHash) of(x uint32) uint32 {
	x ^= h.constant
	h.constant *= h.multiplier
	x *= h.constant
	return x ^ x>>16
}

// seedWords returns SeedSequence(seed).generate_state(4, uint64): a pool of four
// words, each hashed, stirred into each other, and hashed on the way out.
func seedWords(seed uint64) (out [4]uint64) {
	pool := [4]uint32{uint32(seed), uint32(seed >> 32)}
	in := seedHash{0x43b0d7e5, 0x931e8875}
	for i := range pool {
		pool[i] = in.of(pool[i])
	}
	for from := range pool {
		for to := range pool {
			if from != to {
				x := 0xca01f9dd*pool[to] - 0x4973f715*in.of(pool[from])
				pool[to] = x ^ x>>16
			}
		}
	}
	away := seedHash{0x8b51f9dd, 0x58f38ded}
	for i := range 2 * len(out) {
		out[i/2] |= uint64(away.of(pool[i%len(pool)])) << (32 * (i % 2))
	}
	return out
}
