package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

func init() { families["products"] = products }

// products writes the sums of products of vectors, number by number: memory is what
// bounds them, so that all vector paths share them.
func products() {
	for _, f := range []number{float32s, float64s} {
		TEXT("addProducts"+f.name, NOSPLIT, "func(n int, dst, x, y *"+f.typ+")")
		Pragma("noescape")
		Doc("addProducts" + f.name + " adds products to n numbers, a positive multiple of 32 bytes.")
		p := parameters("n", "dst", "x", "y")
		i, sum, factor := GP64(), YMM(), YMM()
		XORQ(i, i)
		Label("loop")
		at := func(k int) Mem { return Mem{Base: p[k], Index: i, Scale: uint8(f.bytes)} }
		f.load(at(1), sum)
		f.load(at(2), factor)
		f.fma(at(3), factor, sum)
		f.store(sum, at(1))
		ADDQ(U8(32/f.bytes), i)
		CMPQ(i, p[0])
		JL(LabelRef("loop"))
		VZEROUPPER()
		RET()
	}
}
