package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func init() { families["poles"] = poles }

// poles writes the kernels over the poles of a rational function.
func poles() {
	for _, v := range []vector{v256, v512} {
		poleSums(v)
		poleRatios(v)
		poleQuotients(v)
	}
}

// kernel begins a function that keeps none of its pointers, so that what they
// point to may lie on the stack.
func kernel(name, signature string) {
	TEXT(name, NOSPLIT, signature)
	Pragma("noescape")
}

// everywhere broadcasts a parameter.
func everywhere(v vector, name string) reg.VecVirtual {
	x := v.register()
	VBROADCASTSD(Load(Param(name), XMM()), x)
	return x
}

// ones returns a register of ones.
func ones(v vector) reg.VecVirtual {
	bits, low, x := GP64(), XMM(), v.register()
	MOVQ(U64(math.Float64bits(1)), bits)
	MOVQ(bits, low)
	VBROADCASTSD(low, x)
	return x
}

// pointer loads a parameter that is an address or a count.
func pointer(name string) reg.GPVirtual { return Load(Param(name), GP64()).(reg.GPVirtual) }

// cleared returns a block of eight zeros.
func cleared(v vector) []reg.VecVirtual {
	r := v.registers(64 / v.bytes)
	for _, x := range r {
		VXORPD(x, x, x)
	}
	return r
}

// eachBlock runs body for each part of each block of eight numbers; j is the
// block's distance in bytes.
func eachBlock(v vector, body func(j reg.GPVirtual, part int)) {
	blocks, j := pointer("blocks"), GP64()
	XORQ(j, j)
	Label("block")
	for part := range 64 / v.bytes {
		body(j, part)
	}
	ADDQ(U8(64), j)
	DECQ(blocks)
	JNZ(LabelRef("block"))
}

// at is part of the block at distance j.
func (v vector) at(base, j reg.GPVirtual, part int) Mem {
	return Mem{Base: base, Index: j, Scale: 1, Disp: part * v.bytes}
}

// store writes a block to a parameter that is an address.
func (v vector) store(block []reg.VecVirtual, name string) {
	to := pointer(name)
	for part, x := range block {
		VMOVUPD(x, Mem{Base: to, Disp: part * v.bytes})
	}
}

// poleSums: q = w·1/((d − origin) − offset), sums += q, slopes += q·1/(…).
func poleSums(v vector) {
	kernel("poleSums"+v.name, "func(blocks int, d, w *float64, origin, offset float64, sums, slopes *float64)")
	d, w := pointer("d"), pointer("w")
	origin, offset, one := everywhere(v, "origin"), everywhere(v, "offset"), ones(v)
	sums, slopes := cleared(v), cleared(v)
	r, q := v.register(), v.register()
	eachBlock(v, func(j reg.GPVirtual, part int) {
		VMOVUPD(v.at(d, j, part), r)
		VSUBPD(origin, r, r)
		VSUBPD(offset, r, r)
		VDIVPD(r, one, r)
		VMULPD(v.at(w, j, part), r, q)
		VADDPD(q, sums[part], sums[part])
		VFMADD231PD(q, r, slopes[part])
	})
	v.store(sums, "sums")
	v.store(slopes, "slopes")
	VZEROUPPER()
	RET()
}

// poleRatios: p *= ((origin − d) + offset)/(pole − d), without the division where
// d is the pole.
func poleRatios(v vector) {
	kernel("poleRatios"+v.name, "func(blocks int, p, d *float64, origin, offset, pole float64)")
	p, d := pointer("p"), pointer("d")
	origin, offset, pole, one := everywhere(v, "origin"), everywhere(v, "offset"), everywhere(v, "pole"), ones(v)
	at, above, below := v.register(), v.register(), v.register()
	const equal = 0 // the comparison's code: ordered, quiet
	eachBlock(v, func(j reg.GPVirtual, part int) {
		VMOVUPD(v.at(d, j, part), at)
		VSUBPD(at, origin, above)
		VADDPD(offset, above, above)
		VSUBPD(at, pole, below)
		if v.bytes == 64 {
			mask := K()
			VCMPPD(U8(equal), pole, at, mask)
			VMOVAPD(one, mask, below)
		} else {
			VCMPPD(U8(equal), pole, at, at)
			VBLENDVPD(at, one, below, below)
		}
		VDIVPD(below, above, above)
		VMULPD(v.at(p, j, part), above, above)
		VMOVUPD(above, v.at(p, j, part))
	})
	VZEROUPPER()
	RET()
}

// poleQuotients: out = u/((d − origin) − offset), squares += out².
func poleQuotients(v vector) {
	kernel("poleQuotients"+v.name, "func(blocks int, out, u, d *float64, origin, offset float64, squares *float64)")
	out, u, d := pointer("out"), pointer("u"), pointer("d")
	origin, offset := everywhere(v, "origin"), everywhere(v, "offset")
	squares := cleared(v)
	q, r := v.register(), v.register()
	eachBlock(v, func(j reg.GPVirtual, part int) {
		VMOVUPD(v.at(d, j, part), r)
		VSUBPD(origin, r, r)
		VSUBPD(offset, r, r)
		VMOVUPD(v.at(u, j, part), q)
		VDIVPD(r, q, q)
		VMOVUPD(q, v.at(out, j, part))
		VFMADD231PD(q, q, squares[part])
	})
	v.store(squares, "squares")
	VZEROUPPER()
	RET()
}
