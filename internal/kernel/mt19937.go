package kernel

// An mt19937 is the Mersenne twister of Matsumoto and Nishimura (1998).
type mt19937 struct {
	state [624]uint32
	next  int
}

// newMT19937 returns the generator that init_genrand(seed) of their code makes.
func newMT19937(seed uint32) *mt19937 {
	m := &mt19937{}
	m.state[0] = seed
	for j := 1; j < len(m.state); j++ {
		last := m.state[j-1]
		m.state[j] = 1812433253*(last^last>>30) + uint32(j)
	}
	m.next = len(m.state)
	return m
}

// word returns the next 32 bits.
func (m *mt19937) word() uint32 {
	if m.next == len(m.state) {
		m.twist()
	}
	y := m.state[m.next]
	m.next++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// twist makes the next state.
func (m *mt19937) twist() {
	const n, half = len(m.state), 397
	for j := range m.state {
		y := m.state[j]&(1<<31) | m.state[(j+1)%n]&(1<<31-1)
		x := m.state[(j+half)%n] ^ y>>1
		if y&1 != 0 {
			x ^= 0x9908b0df
		}
		m.state[j] = x
	}
	m.next = 0
}

// single returns a multiple of 2⁻²⁴ from 0 to below 1, as torch draws it.
func (m *mt19937) single() float32 { return float32(m.word()&(1<<24-1)) * 0x1p-24 }

// double returns a multiple of 2⁻⁵³, as torch draws it.
func (m *mt19937) double() float64 {
	high := uint64(m.word())
	return float64((high<<32|uint64(m.word()))&(1<<53-1)) * 0x1p-53
}
