package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func init() { families["half"] = halves }

// halves writes the conversions between float32 and 16-bit numbers, eight at a
// time: memory is what bounds them, so that all vector paths share them.
func halves() {
	largestFinite()
	convert("narrowFloat16", "scale float32, n int, dst *uint16, src *float32", 2, 4, narrowFloat16)
	convert("narrowBFloat16", "scale float32, n int, dst *uint16, src *float32", 2, 4, narrowBFloat16)
	convert("widenFloat16", "n int, dst *float32, src *uint16", 4, 2, func(from, to Mem) {
		x := YMM()
		VCVTPH2PS(from, x)
		VMOVUPS(x, to)
	})
	convert("widenBFloat16", "n int, dst *float32, src *uint16", 4, 2, func(from, to Mem) {
		x := YMM()
		VPMOVZXWD(from, x)
		VPSLLD(U8(16), x, x)
		VMOVUPS(x, to)
	})
}

// loopOverEight runs body for each eight of n numbers, n a positive multiple of
// eight; i counts numbers.
func loopOverEight(n, i reg.GPVirtual, body func()) {
	XORQ(i, i)
	Label("loop")
	body()
	ADDQ(U8(8), i)
	CMPQ(i, n)
	JL(LabelRef("loop"))
}

// convert writes a conversion of n numbers of some size into ones of another.
func convert(name, parametersText string, dstBytes, srcBytes uint8, body func(from, to Mem)) {
	TEXT(name, NOSPLIT, "func("+parametersText+")")
	Pragma("noescape")
	Doc(name + " converts n numbers, a positive multiple of eight.")
	p := parameters("n", "dst", "src")
	i := GP64()
	loopOverEight(p[0], i, func() {
		body(Mem{Base: p[2], Index: i, Scale: srcBytes}, Mem{Base: p[1], Index: i, Scale: dstBytes})
	})
	VZEROUPPER()
	RET()
}

// scaled loads eight numbers, times the parameter scale.
func scaled(from Mem) reg.VecVirtual {
	x := YMM()
	at, err := Param("scale").Resolve()
	if err != nil {
		panic(err)
	}
	VBROADCASTSS(at.Addr, x)
	VMULPS(from, x, x)
	return x
}

func narrowFloat16(from, to Mem) {
	x := scaled(from)
	VCVTPS2PH(U8(0), x, to)
}

// narrowBFloat16 adds just below half a unit to the bits, and the unit's own bit,
// so that the upper half is rounded to nearest even; NaN keeps its upper half and
// becomes quiet.
func narrowBFloat16(from, to Mem) {
	x := scaled(from)
	nan, rounded, quiet := YMM(), YMM(), YMM()
	VCMPPS(U8(3), x, x, nan)
	VPSRLD(U8(16), x, rounded)
	VPAND(dwords(1), rounded, rounded)
	VPADDD(dwords(0x7fff), rounded, rounded)
	VPADDD(x, rounded, rounded)
	VPOR(dwords(0x400000), x, quiet)
	VPBLENDVB(nan, quiet, rounded, rounded)
	VPSRLD(U8(16), rounded, rounded)
	VPACKUSDW(rounded, rounded, rounded)
	VPERMQ(U8(0x08), rounded, rounded)
	VMOVDQU(low(rounded), to)
}

// dwords returns eight copies of a 32-bit number in memory.
func dwords(x uint32) Mem {
	if at, ok := constants[x]; ok {
		return at
	}
	at := GLOBL("dwords"+U32(x).Asm()[1:], RODATA|NOPTR)
	for i := range 8 {
		DATA(4*i, U32(x))
	}
	constants[x] = at
	return at
}

var constants = map[uint32]Mem{}

// largestFinite returns the largest |x[i]| below infinity, or 0.
func largestFinite() {
	TEXT("largestFinite", NOSPLIT, "func(n int, x *float32) float32")
	Pragma("noescape")
	Doc("largestFinite looks at n numbers, a positive multiple of eight.")
	p := parameters("n", "x")
	i := GP64()
	most, x, finite := YMM(), YMM(), YMM()
	VXORPS(most, most, most)
	loopOverEight(p[0], i, func() {
		VMOVUPS(Mem{Base: p[1], Index: i, Scale: 4}, x)
		VANDPS(dwords(0x7fffffff), x, x)
		VCMPPS(U8(1), dwords(0x7f800000), x, finite)
		VANDPS(finite, x, x)
		VMAXPS(x, most, most)
	})
	VEXTRACTF128(U8(1), most, low(x))
	VMAXPS(low(x), low(most), low(most))
	VPERMILPS(U8(0x4E), low(most), low(x))
	VMAXPS(low(x), low(most), low(most))
	VMOVSHDUP(low(most), low(x))
	VMAXPS(low(x), low(most), low(most))
	Store(low(most), ReturnIndex(0))
	VZEROUPPER()
	RET()
}
