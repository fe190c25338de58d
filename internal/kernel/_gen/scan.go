package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func init() { families["scan"] = scan }

// scan writes the kernels that look for scores at the ends.
func scan() {
	for _, f := range []number{float32s, float64s} {
		for _, v := range []vector{v256, v512} {
			outside(f, v)
		}
	}
}

// Predicates of comparisons that NaN passes.
const (
	notLess    = U8(0x15)
	notGreater = U8(0x1A)
)

// outside finds the first register of scores, from a column on, of which one is
// not between its bounds, and which those are.
func outside(f number, v vector) {
	TEXT("outside"+f.name+v.name, NOSPLIT, fmt.Sprintf("func(n int, scores, atLeast, atMost *%s, from int) (at int, mask uint64)", f.typ))
	Pragma("noescape")
	Doc(
		fmt.Sprintf("outside%s%s returns a mask of scores from column at on that do not lie strictly", f.name, v.name),
		fmt.Sprintf("between their bounds; there is none before. Bounds are read up to %d beyond n.", f.lanes(v)-1))
	p := parameters("n", "scores", "atLeast", "atMost", "from")
	n, scores, atLeast, atMost, at := p[0], p[1], p[2], p[3], p[4]
	lanes := f.lanes(v)
	in := func(base reg.GPVirtual) Mem { return Mem{Base: base, Index: at, Scale: uint8(f.bytes)} }
	x, left, mask := v.register(), GP64(), GP64()
	MOVQ(n, left)
	SUBQ(at, left)
	Label("whole")
	CMPQ(left, U8(uint8(lanes)))
	JL(LabelRef("rest"))
	f.load(in(scores), x)
	f.outside(v, x, in(atLeast), in(atMost), mask)
	TESTQ(mask, mask)
	JNZ(LabelRef("found"))
	ADDQ(U8(uint8(lanes)), at)
	SUBQ(U8(uint8(lanes)), left)
	JMP(LabelRef("whole"))
	Label("rest")
	XORQ(mask, mask)
	TESTQ(left, left)
	JLE(LabelRef("found"))
	ones := GP64()
	MOVQ(left, reg.RCX)
	MOVQ(U32(1), ones)
	SHLQ(reg.CL, ones)
	DECQ(ones)
	if v.bytes == 64 {
		k := K()
		KMOVW(ones.As32(), k)
		f.loadMasked(in(scores), k, x)
	} else {
		table, some := GP64(), YMM()
		LEAQ(laneMasks(), table)
		ADDQ(U8(32), table)
		f.scale(left)
		SUBQ(left, table)
		VMOVDQU(Mem{Base: table}, some)
		f.maskLoad(in(scores), some, x)
	}
	f.outside(v, x, in(atLeast), in(atMost), mask)
	ANDQ(ones, mask)
	Label("found")
	Store(at, ReturnIndex(0))
	Store(mask, ReturnIndex(1))
	VZEROUPPER()
	RET()
}

// outside sets the bits of mask where x is not between the bounds.
func (f number) outside(v vector, x reg.VecVirtual, atLeast, atMost Mem, mask reg.GPVirtual) {
	if v.bytes == 64 {
		high, low := K(), K()
		f.compare(notLess, atLeast, x, high)
		f.compare(notGreater, atMost, x, low)
		KORW(high, low, low)
		KMOVW(low, mask.As32())
		return
	}
	high, low := YMM(), YMM()
	f.compare(notLess, atLeast, x, high)
	f.compare(notGreater, atMost, x, low)
	VORPS(high, low, low)
	f.signs(low, mask.As32())
}
