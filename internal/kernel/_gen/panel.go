package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func init() { families["panel"] = panel }

// panel writes the kernels over a few long rows of a matrix.
func panel() {
	for _, v := range []vector{v256, v512} {
		dotRow(v)
		dotFourRows(v)
		rowMultiples("addRowMultiples", v, 2, VFMADD231PD, VFMADD231SD)
		rowMultiples("subtractRowMultiples", v, 1, VFNMADD231PD, VFNMADD231SD)
		rotate(v)
	}
}

// dotRow: out = Σ a[j]·x[j] over blocks of eight.
func dotRow(v vector) {
	kernel("dotRow"+v.name, "func(blocks int, a, x, out *float64)")
	blocks, a := Load(Param("blocks"), GP64()).(reg.GPVirtual), Load(Param("a"), GP64()).(reg.GPVirtual)
	dotRows(v, blocks, pointers{base: []reg.GPVirtual{a}}, 1)
}

// dotFourRows: out[r] = Σ a[r·stride + j]·x[j] over blocks of eight.
func dotFourRows(v vector) {
	kernel("dotFourRows"+v.name, "func(blocks int, a *float64, stride int, x, out *float64)")
	blocks, a := Load(Param("blocks"), GP64()).(reg.GPVirtual), Load(Param("a"), GP64()).(reg.GPVirtual)
	dotRows(v, blocks, rowPointers(a, Load(Param("stride"), GP64()).(reg.GPVirtual), 4), 4)
}

func dotRows(v vector, blocks reg.GPVirtual, a pointers, rows int) {
	x, out := Load(Param("x"), GP64()).(reg.GPVirtual), Load(Param("out"), GP64()).(reg.GPVirtual)
	parts := 64 / v.bytes
	sum := make([][]reg.VecVirtual, rows)
	for r := range rows {
		sum[r] = v.registers(parts)
		for _, s := range sum[r] {
			VXORPD(s, s, s)
		}
	}
	vx := v.register()
	Label("block")
	for p := range parts {
		VMOVUPD(Mem{Base: x, Disp: p * v.bytes}, vx)
		for r := range rows {
			VFMADD231PD(a.at(r, p*v.bytes), vx, sum[r][p])
		}
	}
	ADDQ(U8(64), x)
	a.advance(64)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	for r := range rows {
		VMOVSD(sumLanes(v, sum[r]), Mem{Base: out, Disp: 8 * r})
	}
	VZEROUPPER()
	RET()
}

// sumLanes adds up eight lanes by halves and returns the sum as a scalar. The
// registers are used up.
func sumLanes(v vector, lanes []reg.VecVirtual) reg.Register {
	y := lanes[0].(reg.Vec).AsY()
	upper := YMM()
	if v.bytes == 64 {
		VEXTRACTF64X4(U8(1), lanes[0], upper)
		VADDPD(upper, y, y)
	} else {
		VADDPD(lanes[1], y, y)
	}
	x := low(lanes[0])
	VEXTRACTF128(U8(1), y, upper.AsX())
	VADDPD(upper.AsX(), x, x)
	VPERMILPD(U8(1), x, upper.AsX())
	VADDSD(upper.AsX(), x, x)
	return x
}

// rowMultiples: y[j] ±= Σ c[r]·a[r·stride + j], for stripes of y that stay in
// registers while the rows pass, two at a time, in one chain of sums or in two. What is
// less than a register wide is masked, or goes number by number where there are no
// masks. fused and fusedOne take a product to a register and to a single number.
func rowMultiples(name string, v vector, chains int, fused, fusedOne func(rowFactorY ...Op)) {
	kernel(name+v.name, "func(length, rows int, a *float64, stride int, c, y *float64)")
	p := multiples{
		v: v, chains: chains, fused: fused, fusedOne: fusedOne, left: pointer("length"), last: pointer("rows"), a: pointer("a"), stride: pointer("stride"),
		c: pointer("c"), y: pointer("y"), at: GP64(), r: GP64(),
	}
	DECQ(p.last)
	SHLQ(U8(3), p.stride)
	if v.bytes == 64 {
		CMPQ(p.left, U8(uint8(v.doubles())))
		JL(LabelRef("narrowDone"))
		p.stripe("wide", 8, false)
	}
	p.stripe("half", 4, false)
	p.stripe("quarter", 2, false)
	p.stripe("narrow", 1, false)
	if v.bytes == 64 {
		p.stripe("tail", 1, true)
	} else {
		p.stripe("tail", 0, false)
	}
	VZEROUPPER()
	RET()
}

// multiples are the instructions and registers of rowMultiples. Last is the last row.
type multiples struct {
	fused, fusedOne func(rowFactorY ...Op)

	v                                  vector
	chains                             int
	left, last, a, stride, c, y, at, r reg.GPVirtual
}

// stripe takes stripes of some registers as long as there are columns for them. No
// register stands for a single number; masked is for the last columns.
func (p multiples) stripe(name string, registers int, masked bool) {
	size := registers * p.v.doubles()
	if registers == 0 {
		size = 1
	}
	even := p.v.registers(max(1, registers))
	odd := even
	if p.chains == 2 {
		odd = p.v.registers(len(even))
	}
	factor := p.v.register()
	Label(name)
	mask := reg.Register(nil)
	if masked {
		TESTQ(p.left, p.left)
		JZ(LabelRef(name + "Done"))
		mask = lowBits(p.left)
	} else {
		CMPQ(p.left, U8(uint8(size)))
		JL(LabelRef(name + "Done"))
	}
	at := func(base reg.GPVirtual, i int) Mem { return Mem{Base: base, Disp: i * p.v.bytes} }
	for i, s := range even {
		switch {
		case masked:
			VMOVUPD_Z(at(p.y, i), mask, s)
		case registers == 0:
			VMOVSD(at(p.y, i), low(s))
		default:
			VMOVUPD(at(p.y, i), s)
		}
		if p.chains == 2 {
			VXORPD(odd[i], odd[i], odd[i])
		}
	}
	row := func(r int, sum []reg.VecVirtual) {
		c := Mem{Base: p.c, Index: p.r, Scale: 8, Disp: 8 * r}
		if registers == 0 {
			VMOVSD(c, low(factor))
			p.fusedOne(at(p.at, 0), low(factor), low(sum[0]))
		} else {
			VBROADCASTSD(c, factor)
		}
		for i, s := range sum[:registers] {
			if masked {
				// What is masked does not touch what lies behind the row.
				p.fused(at(p.at, i), factor, mask, s)
			} else {
				p.fused(at(p.at, i), factor, s)
			}
		}
		ADDQ(p.stride, p.at)
	}
	MOVQ(p.a, p.at)
	XORQ(p.r, p.r)
	JMP(LabelRef(name + "More"))
	Label(name + "Pair")
	row(0, even)
	row(1, odd)
	ADDQ(U8(2), p.r)
	Label(name + "More")
	CMPQ(p.r, p.last)
	JL(LabelRef(name + "Pair"))
	JNE(LabelRef(name + "Sum"))
	row(0, even)
	Label(name + "Sum")
	for i, s := range even {
		if p.chains == 2 {
			VADDPD(odd[i], s, s)
		}
		switch {
		case masked:
			VMOVUPD(s, mask, at(p.y, i))
		case registers == 0:
			VMOVSD(low(s), at(p.y, i))
		default:
			VMOVUPD(s, at(p.y, i))
		}
	}
	if !masked {
		ADDQ(U32(uint32(8*size)), p.a)
		ADDQ(U32(uint32(8*size)), p.y)
		SUBQ(U8(uint8(size)), p.left)
		JMP(LabelRef(name))
	}
	Label(name + "Done")
}

// lowBits returns a mask of as many lanes as count, below 64, says.
func lowBits(count reg.GPVirtual) reg.Register {
	bits, mask := GP64(), K()
	MOVQ(I32(-1), bits)
	BZHIQ(count, bits, bits)
	KMOVQ(bits, mask)
	return mask
}

// rotate: x, y = c·x + s·y, c·y − s·x.
func rotate(v vector) {
	kernel("rotate"+v.name, "func(blocks int, x, y *float64, c, s float64)")
	x, y := pointer("x"), pointer("y")
	c, s := everywhere(v, "c"), everywhere(v, "s")
	vx, vy, a, b := v.register(), v.register(), v.register(), v.register()
	eachBlock(v, func(j reg.GPVirtual, part int) {
		VMOVUPD(v.at(x, j, part), vx)
		VMOVUPD(v.at(y, j, part), vy)
		VMULPD(vx, c, a)
		VMULPD(vy, s, b)
		VADDPD(b, a, a)
		VMOVUPD(a, v.at(x, j, part))
		VMULPD(vy, c, a)
		VMULPD(vx, s, b)
		VSUBPD(b, a, a)
		VMOVUPD(a, v.at(y, j, part))
	})
	VZEROUPPER()
	RET()
}
