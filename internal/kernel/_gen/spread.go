package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// rowsAhead is how many rows ahead of a copy its lines are asked for: rows lie on
// pages of their own, where nothing else foresees them.
const rowsAhead = 6

// spread: dst[s·step + l·width + j] = src[l·ld + s·width + j] for l in [0, k), s in
// [0, n) and j below width, in whole registers: what they hold beyond width is
// read and written too, and repaired by the next l.
func spread(f number, v vector) {
	TEXT("spread"+f.name+v.name, NOSPLIT, fmt.Sprintf("func(k, n int, dst *%[1]s, step int, src *%[1]s, ld, width int)", f.typ))
	Pragma("noescape")
	Doc(fmt.Sprintf("spread%s%s copies k rows of n neighbours of up to %d numbers to places step apart.", f.name, v.name, 2*f.lanes(v)))
	p := parameters("k", "n", "dst", "step", "src", "ld", "width")
	k, n, dst, step, src, ld, width := p[0], p[1], p[2], p[3], p[4], p[5], p[6]
	for _, r := range []reg.GPVirtual{step, ld, width} {
		f.scale(r)
	}
	ahead := GP64()
	IMUL3Q(U8(rowsAhead), ld, ahead)
	CMPQ(width, U32(uint32(v.bytes)))
	JLE(LabelRef("narrow"))
	for registers := 2; registers > 0; registers-- {
		label := []string{"", "narrow", "wide"}[registers]
		from, to, left, x := GP64(), GP64(), GP64(), v.registers(2)
		Label(label)
		MOVQ(src, from)
		MOVQ(dst, to)
		MOVQ(n, left)
		Label(label + "Strip")
		for r := range registers {
			f.load(Mem{Base: from, Disp: r * v.bytes}, x[r])
			PREFETCHT0(Mem{Base: from, Index: ahead, Scale: 1, Disp: r * v.bytes})
		}
		for r := range registers {
			f.store(x[r], Mem{Base: to, Disp: r * v.bytes})
		}
		ADDQ(width, from)
		ADDQ(step, to)
		DECQ(left)
		JNZ(LabelRef(label + "Strip"))
		ADDQ(ld, src)
		ADDQ(width, dst)
		DECQ(k)
		JNZ(LabelRef(label))
		VZEROUPPER()
		RET()
	}
}

// widen: dst[i] += src[i] for i in [0, n), n a multiple of the numbers in a
// register of float64.
func widen(f number, v vector) {
	TEXT("widen"+f.name+v.name, NOSPLIT, fmt.Sprintf("func(n int, src *%s, dst *float64)", f.typ))
	Pragma("noescape")
	Doc(fmt.Sprintf("widen%s%s adds n numbers, a multiple of %d, to float64.", f.name, v.name, v.doubles()))
	p := parameters("n", "src", "dst")
	n, src, dst := p[0], p[1], p[2]
	x := v.register()
	Label("loop")
	if f.bytes == 4 {
		VCVTPS2PD(Mem{Base: src}, x)
		VADDPD(Mem{Base: dst}, x, x)
	} else {
		VMOVUPD(Mem{Base: dst}, x)
		VADDPD(Mem{Base: src}, x, x)
	}
	VMOVUPD(x, Mem{Base: dst})
	ADDQ(U8(uint8(v.doubles()*f.bytes)), src)
	ADDQ(U8(uint8(v.bytes)), dst)
	SUBQ(U8(uint8(v.doubles())), n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}
