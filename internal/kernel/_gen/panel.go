package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// panel writes the kernels over a few long rows of a matrix.
func panel() {
	for _, v := range []vector{v256, v512} {
		dotRow(v)
		dotFourRows(v)
		addRowMultiples(v)
	}
}

// dotRow: out = Σ a[j]·x[j] over blocks of eight.
func dotRow(v vector) {
	TEXT("dotRow"+v.name, NOSPLIT, "func(blocks int, a, x, out *float64)")
	blocks, a := Load(Param("blocks"), GP64()).(reg.GPVirtual), Load(Param("a"), GP64()).(reg.GPVirtual)
	dotRows(v, blocks, pointers{base: []reg.GPVirtual{a}}, 1)
}

// dotFourRows: out[r] = Σ a[r·stride + j]·x[j] over blocks of eight.
func dotFourRows(v vector) {
	TEXT("dotFourRows"+v.name, NOSPLIT, "func(blocks int, a *float64, stride int, x, out *float64)")
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

// addRowMultiples: y[j] += Σ c[r]·a[r·stride + j], for stripes of y that stay in
// registers while the rows pass.
func addRowMultiples(v vector) {
	TEXT("addRowMultiples"+v.name, NOSPLIT, "func(length, rows int, a *float64, stride int, c, y *float64)")
	left, rows := Load(Param("length"), GP64()).(reg.GPVirtual), Load(Param("rows"), GP64()).(reg.GPVirtual)
	a, stride := Load(Param("a"), GP64()).(reg.GPVirtual), Load(Param("stride"), GP64()).(reg.GPVirtual)
	c, y := Load(Param("c"), GP64()).(reg.GPVirtual), Load(Param("y"), GP64()).(reg.GPVirtual)
	SHLQ(U8(3), stride)
	factor := v.register()
	at, r := GP64(), GP64()
	for _, registers := range []int{8, 1} {
		stripe := registers * v.doubles()
		if stripe < 8 {
			stripe, registers = 8, 8/v.doubles()
		}
		name := map[bool]string{true: "wide", false: "narrow"}[stripe > 8]
		sum := v.registers(registers)
		Label(name)
		CMPQ(left, U8(uint8(stripe)))
		JL(LabelRef(name + "Done"))
		for i, s := range sum {
			VMOVUPD(Mem{Base: y, Disp: i * v.bytes}, s)
		}
		MOVQ(a, at)
		XORQ(r, r)
		Label(name + "Row")
		VBROADCASTSD(Mem{Base: c, Index: r, Scale: 8}, factor)
		for i, s := range sum {
			VFMADD231PD(Mem{Base: at, Disp: i * v.bytes}, factor, s)
		}
		ADDQ(stride, at)
		INCQ(r)
		CMPQ(r, rows)
		JL(LabelRef(name + "Row"))
		for i, s := range sum {
			VMOVUPD(s, Mem{Base: y, Disp: i * v.bytes})
		}
		ADDQ(U32(uint32(8*stripe)), a)
		ADDQ(U32(uint32(8*stripe)), y)
		SUBQ(U8(uint8(stripe)), left)
		JMP(LabelRef(name))
		Label(name + "Done")
	}
	VZEROUPPER()
	RET()
}
