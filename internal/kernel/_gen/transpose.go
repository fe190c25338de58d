package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// transpose: dst[l·stride + i] = src[i·ld + l] for l in [0, k) and i below the
// lanes of a register of 256 bits. Where there are fewer rows the last one is
// read again. The steps go upwards in l and the last of them begins lanes before
// k, so that what a store spills beyond stride is written again by the next.
func transpose(f number) {
	lanes := f.lanes(v256)
	TEXT("transpose"+f.name+"256", NOSPLIT, fmt.Sprintf("func(dst *%[1]s, stride int, src *%[1]s, ld, rows, k int)", f.typ))
	Pragma("noescape")
	Doc(fmt.Sprintf("transpose%s256 turns up to %d rows of k numbers, k at least %[2]d, into columns.", f.name, lanes))
	p := parameters("dst", "stride", "src", "ld", "rows", "k")
	dst, stride, src, ld, rows, k := p[0], p[1], p[2], p[3], p[4], p[5]
	f.scale(stride)
	f.scale(ld)
	// Rows are addressed by their distance to src; a missing row has that of the last.
	at := make([]reg.GPVirtual, lanes)
	zero := GP64()
	XORQ(zero, zero)
	at[0] = src
	for i := 1; i < lanes; i++ {
		at[i] = GP64()
		CMPQ(rows, U8(uint8(i)))
		CMOVQLE(zero, ld)
		MOVQ(at[i-1], at[i])
		ADDQ(ld, at[i])
	}
	l := GP64()
	XORQ(l, l)
	SUBQ(U8(uint8(lanes)), k)
	Label("loop")
	in := make([]reg.VecVirtual, lanes)
	for i := range in {
		in[i] = YMM()
		f.load(Mem{Base: at[i], Index: l, Scale: uint8(f.bytes)}, in[i])
	}
	for _, column := range transposed(f, in) {
		f.store(column, Mem{Base: dst})
		ADDQ(stride, dst)
	}
	ADDQ(U8(uint8(lanes)), l)
	CMPQ(l, k)
	JLE(LabelRef("loop"))
	// What is left is fewer than lanes: step back to end at k.
	back := zero
	MOVQ(l, back)
	SUBQ(k, back)
	CMPQ(back, U8(uint8(lanes)))
	JE(LabelRef("done"))
	MOVQ(k, l)
	IMULQ(stride, back)
	SUBQ(back, dst)
	JMP(LabelRef("loop"))
	Label("done")
	VZEROUPPER()
	RET()
}

// transposed returns the columns of rows that are held in registers.
func transposed(f number, in []reg.VecVirtual) []reg.VecVirtual {
	fresh := func(n int) []reg.VecVirtual { return v256.registers(n) }
	if f.bytes == 8 {
		pair, out := fresh(4), fresh(4)
		for i := range 2 {
			VUNPCKLPD(in[2*i+1], in[2*i], pair[2*i])
			VUNPCKHPD(in[2*i+1], in[2*i], pair[2*i+1])
		}
		for i := range 2 {
			VPERM2F128(U8(0x20), pair[2+i], pair[i], out[i])
			VPERM2F128(U8(0x31), pair[2+i], pair[i], out[2+i])
		}
		return out
	}
	pair := fresh(8) // of rows 2i and 2i+1: columns 0 1, then 2 3, of either half
	for i := range 4 {
		VUNPCKLPS(in[2*i+1], in[2*i], pair[2*i])
		VUNPCKHPS(in[2*i+1], in[2*i], pair[2*i+1])
	}
	four := fresh(8) // of rows 4i to 4i+3: column c of either half
	for i := range 2 {
		for h := range 2 {
			VUNPCKLPD(pair[4*i+2+h], pair[4*i+h], four[4*i+2*h])
			VUNPCKHPD(pair[4*i+2+h], pair[4*i+h], four[4*i+2*h+1])
		}
	}
	out := fresh(8)
	for c := range 4 {
		VPERM2F128(U8(0x20), four[4+c], four[c], out[c])
		VPERM2F128(U8(0x31), four[4+c], four[c], out[4+c])
	}
	return out
}
