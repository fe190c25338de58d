package kernel

import "math"

// torchGroup is how many normal numbers torch makes at a time.
const torchGroup = 16

// torchNormals fills x with the float32 numbers of torch.randn on an x86 CPU with AVX2 or
// AVX-512, drawn by a generator with a seed, of which mt19937 takes the lower 32 bits.
// From 16 numbers on they have torch's bits (2.15): uniform numbers u of 24 bits, in
// groups of 16, become
//
//	√(−2·log(1 − u[j]))·cos(2π·u[j+8]) and √(−2·log(1 − u[j]))·sin(2π·u[j+8])   j < 8
//
// with the functions of float32 below. The last group ends with x: it draws anew.
//
// Fewer numbers torch draws in float64, by functions of the system's library, which
// differ in a last place: so do ours, and of the float32 numbers about one in 2²⁸.
func torchNormals(seed uint64, x []float32) {
	random := newMT19937(uint32(seed))
	if len(x) < torchGroup {
		var radius, angle float64
		for j := range x {
			if j%2 == 1 {
				x[j] = float32(radius * math.Sin(angle))
				continue
			}
			angle = 2 * math.Pi * random.double()
			radius = math.Sqrt(-2 * Log1p(-random.double()))
			x[j] = float32(radius * math.Cos(angle))
		}
		return
	}
	for j := range x {
		x[j] = random.single()
	}
	for first := 0; first+torchGroup <= len(x); first += torchGroup {
		boxMuller(x[first:][:torchGroup])
	}
	if len(x)%torchGroup != 0 {
		last := x[len(x)-torchGroup:]
		for j := range last {
			last[j] = random.single()
		}
		boxMuller(last)
	}
}

// boxMuller makes normal numbers of a group of uniform ones.
func boxMuller(x []float32) {
	for j := range torchGroup / 2 {
		radius := float32(math.Sqrt(float64(-2 * logCephes(1-x[j]))))
		sin, cos := sincosCephes(2 * math.Pi * x[j+torchGroup/2])
		x[j], x[j+torchGroup/2] = float32(radius*cos), float32(radius*sin)
	}
}

// horner evaluates a polynomial by fused multiply-adds, the highest power first.
func horner(x float32, coefficients ...float32) float32 {
	y := coefficients[0]
	for _, c := range coefficients[1:] {
		y = fma32(y, x, c)
	}
	return y
}

// logCephes is the logarithm of a normal number, by the method of logf in Moshier's
// Cephes library with the roundings that torch's form of it has.
func logCephes(x float32) float32 {
	bits := math.Float32bits(x)
	e := float32(int(bits>>23) - 126)
	x = math.Float32frombits(bits&(1<<23-1) | math.Float32bits(0.5))
	if x < math.Sqrt2/2 {
		e--
		x = float32(x-1) + x
	} else {
		x--
	}
	z := float32(x * x)
	y := horner(x, 7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1,
		1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1)
	y = float32(y * x)
	y = fma32(y, z, float32(e*-2.12194440e-4))
	y = fma32(-z, 0.5, y)
	return fma32(e, 0.693359375, float32(x+y))
}

// sincosCephes is the sine and the cosine of a number from 0 to 2π, by the method of
// Cephes' sinf and cosf, likewise.
func sincosCephes(x float32) (sin, cos float32) {
	octant := (int(float32(x*(4/math.Pi))) + 1) &^ 1
	y := float32(octant)
	x = fma32(y, -0.78515625, x)
	x = fma32(y, -2.4187564849853515625e-4, x)
	x = fma32(y, -3.77489497744594108e-8, x)
	z := float32(x * x)
	cos = horner(z, 2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
	cos = fma32(float32(cos*z), z, -float32(z*0.5)) + 1
	sin = horner(z, -1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
	sin = fma32(float32(sin*z), x, x)
	if octant&2 != 0 {
		sin, cos = cos, sin
	}
	if octant&4 != 0 {
		sin = -sin
	}
	if (octant-2)&4 == 0 {
		cos = -cos
	}
	return sin, cos
}
