package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func init() { families["elementary"] = elementary }

// elementary writes the functions that are taken of whole slices.
func elementary() {
	constants := expConstants()
	for _, v := range []vector{v256, v512} {
		eachOf(v, "exps", constants, func(e *expRegisters, x reg.VecVirtual) reg.VecVirtual { return e.exp(x) })
		eachOf(v, "sigmoids", constants, sigmoid)
	}
}

// The constants of exp and sigmoid, by their place in the data section. Each
// stands there four times, which is a register of AVX2.
const (
	by32 = iota
	oneHalf
	ln2High
	ln2Low
	c6
	c5
	c4
	c3
	bias // of the exponent of a float64, an integer
	positive
	signBit
	one
	farthest
	constantCount
)

func expConstants() Mem {
	m := GLOBL("expConstants", RODATA|NOPTR)
	// As bits: the assembler takes a float64 without a fraction for an integer.
	float := math.Float64bits
	values := [constantCount]uint64{
		by32: float(0x1.71547652b82fep+5), oneHalf: float(0.5), ln2High: float(0x1.62e42p-6), ln2Low: float(0x1.fdf473de6af28p-27),
		c6: float(1.0 / 720), c5: float(1.0 / 120), c4: float(1.0 / 24), c3: float(1.0 / 6),
		bias: 1023, positive: 1<<63 - 1, signBit: 1 << 63, one: float(1), farthest: float(700),
	}
	for i, v := range values {
		for copies := range 4 {
			DATA(32*i+8*copies, U64(v))
		}
	}
	return m
}

// expRegisters are what exp works with.
type expRegisters struct {
	vector
	data  Mem
	kept  map[int]reg.VecVirtual // constants in registers: AVX-512 has enough of them
	table reg.GPVirtual
}

func newExpRegisters(v vector, data Mem, table reg.GPVirtual) *expRegisters {
	e := &expRegisters{vector: v, data: data, kept: map[int]reg.VecVirtual{}, table: table}
	if v.bytes == 64 {
		for i := range constantCount {
			e.kept[i] = v.register()
			VBROADCASTSD(data.Offset(32*i), e.kept[i])
		}
	}
	return e
}

// constant returns constant i as an operand.
func (e *expRegisters) constant(i int) Op {
	if r, ok := e.kept[i]; ok {
		return r
	}
	return e.data.Offset(32 * i)
}

// exp is Exp, operation by operation, for |x| ≤ 700.
func (e *expRegisters) exp(x reg.VecVirtual) reg.VecVirtual {
	k, r, t, q, p := e.register(), e.register(), e.register(), e.register(), e.register()
	VMULPD(e.constant(by32), x, k)
	VADDPD(e.constant(oneHalf), k, k)
	if e.bytes == 64 {
		VRNDSCALEPD(U8(9), k, k)
	} else {
		VROUNDPD(U8(9), k, k)
	}
	VMULPD(e.constant(ln2High), k, t)
	VSUBPD(t, x, r)
	VMULPD(e.constant(ln2Low), k, t)
	VSUBPD(t, r, r)
	VMULPD(e.constant(c6), r, q)
	VADDPD(e.constant(c5), q, q)
	for _, c := range []int{c4, c3, oneHalf} {
		VMULPD(r, q, q)
		VADDPD(e.constant(c), q, q)
	}
	VMULPD(r, r, p)
	VMULPD(q, p, p)
	VADDPD(r, p, p)
	high, low, scale := e.lookup(k)
	VMULPD(high, p, t)
	VADDPD(low, t, t)
	VADDPD(high, t, t)
	VMULPD(scale, t, t)
	return t
}

// lookup returns both parts of 2^((k mod 32)/32), and 2^⌊k/32⌋.
func (e *expRegisters) lookup(k reg.VecVirtual) (high, low, scale reg.VecVirtual) {
	high, low, scale = e.register(), e.register(), e.register()
	if e.bytes == 64 {
		n, j := YMM(), YMM()
		VCVTTPD2DQ(k, n)
		VPSLLD(U8(27), n, j)
		VPSRLD(U8(26), j, j)
		all := K()
		for i, to := range []reg.VecVirtual{high, low} {
			KXNORW(all, all, all)
			VGATHERDPD(Mem{Base: e.table, Index: j, Scale: 8, Disp: 8 * i}, all, to)
		}
		VPSRAD(U8(5), n, n)
		VPMOVSXDQ(n, scale)
	} else {
		n, j := XMM(), XMM()
		VCVTTPD2DQY(k, n)
		VPSLLD(U8(27), n, j)
		VPSRLD(U8(26), j, j)
		for i, to := range []reg.VecVirtual{high, low} {
			all := YMM()
			VPCMPEQD(all, all, all)
			VGATHERDPD(all, Mem{Base: e.table, Index: j, Scale: 8, Disp: 8 * i}, to)
		}
		VPSRAD(U8(5), n, n)
		VPMOVSXDQ(n, scale)
	}
	VPADDQ(e.constant(bias), scale, scale)
	VPSLLQ(U8(52), scale, scale)
	return high, low, scale
}

// sigmoid is Sigmoid, operation by operation, for |x| ≤ 700.
func sigmoid(e *expRegisters, x reg.VecVirtual) reg.VecVirtual {
	z, top := e.register(), e.register()
	VORPD(e.constant(signBit), x, z)
	y := e.exp(z)
	VXORPD(z, z, z)
	if e.bytes == 64 {
		k := K()
		VCMPPD(U8(0x1d), z, x, k)
		VBLENDMPD(e.constant(one), y, k, top)
	} else {
		VCMPPD(U8(0x1d), z, x, z)
		VBLENDVPD(z, e.constant(one), y, top)
	}
	VADDPD(e.constant(one), y, y)
	VDIVPD(y, top, top)
	return top
}

// eachOf writes the loop that applies f to x until a register has a number
// beyond ±700 or a NaN, or until the numbers left do not fill one. It returns
// how many were done.
func eachOf(v vector, name string, constants Mem, f func(e *expRegisters, x reg.VecVirtual) reg.VecVirtual) {
	TEXT(name+v.name, NOSPLIT, "func(n int, x, out, table *float64) int")
	n := Load(Param("n"), GP64())
	from, to := Load(Param("x"), GP64()), Load(Param("out"), GP64())
	e := newExpRegisters(v, constants, Load(Param("table"), GP64()).(reg.GPVirtual))
	done := GP64()
	XORQ(done, done)
	SUBQ(U32(uint32(v.doubles())), n)
	Label("next")
	CMPQ(done, n)
	JG(LabelRef("end"))
	x, size := v.register(), v.register()
	VMOVUPD(Mem{Base: from, Index: done, Scale: 8}, x)
	VANDPD(e.constant(positive), x, size)
	// 0x16 is "not less or equal", true for NaN.
	if v.bytes == 64 {
		far := K()
		VCMPPD(U8(0x16), e.constant(farthest), size, far)
		KORTESTW(far, far)
	} else {
		VCMPPD(U8(0x16), e.constant(farthest), size, size)
		VPTEST(size, size)
	}
	JNZ(LabelRef("end"))
	VMOVUPD(f(e, x), Mem{Base: to, Index: done, Scale: 8})
	ADDQ(U32(uint32(v.doubles())), done)
	JMP(LabelRef("next"))
	Label("end")
	VZEROUPPER()
	Store(done, ReturnIndex(0))
	RET()
}
