package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

const (
	int8StripRows    = 8  // train rows of a tile
	int8StripQueries = 16 // queries of a strip: the lanes of a register
	lineFours        = 16 // fours of numbers in a cache line, of which a row has whole ones
	blockFours       = int8Steps * int8Step / 4
)

// int8Strip: out[i·ldo + j] is the score of row i of x with query j of a strip as
// Int8Dots defines it, for int8StripRows rows of so many fours and the queries that mask
// names. The strip has for each block its fours of numbers plus 128, one of each query in
// turn, and its scales. Lanes are queries, and a four of a row is the same in all of
// them; so lanes are added up for what the 128 adds only, once for all queries. Meanwhile
// as many rows from later on are asked for.
func int8Strip() {
	TEXT("int8Strip512", NOSPLIT, "func(mask, fours int, x, later *int8, ldx int, scale *float32, lds int, strip *int32, out *float32, ldo int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("int8Strip512 multiplies %d rows of int8 with a strip of %d queries.", int8StripRows, int8StripQueries))
	p := parameters("mask", "fours", "x", "later", "ldx", "scale", "lds", "strip")
	lanes, fours, strip := K(), p[1], p[7]
	KMOVW(p[0].As32(), lanes)
	SHLQ(U8(2), p[6])
	ldx, lds := newDistance(p[4]), newDistance(p[6])
	x, later, scales := newEightRows(p[2], ldx), newEightRows(p[3], ldx), newEightRows(p[5], lds)
	shift := ZMM()
	bits := GP32()
	MOVL(U32(0x80808080), bits)
	VPBROADCASTD(bits, shift)
	sum, shifted, total := v512.registers(int8StripRows), v512.registers(int8StripRows), v512.registers(int8StripRows)
	for _, t := range total {
		VXORPS(t, t, t)
	}
	right := ZMM()
	count := GP64()
	Label("block")
	for i := range int8StripRows {
		clearInts(v512, sum[i])
		clearInts(v512, shifted[i])
	}
	MOVQ(U32(blockFours), count)
	CMPQ(count, fours)
	CMOVQGT(fours, count)
	SUBQ(count, fours)
	Label("line")
	for i := range int8StripRows {
		PREFETCHT0(x.at(i, int8Ahead))
		PREFETCHT1(later.at(i, 0))
	}
	for l := range lineFours {
		VMOVDQU32(Mem{Base: strip, Disp: 64 * l}, right)
		for i := range int8StripRows {
			unsignedDotWithOne(x.at(i, 4*l), right, sum[i])
		}
	}
	for i := range int8StripRows {
		unsignedDot(x.at(i, 0), shift, shifted[i])
	}
	x.advance(4 * lineFours)
	later.advance(4 * lineFours)
	ADDQ(U32(64*lineFours), strip)
	SUBQ(U8(lineFours), count)
	JNZ(LabelRef("line"))
	takeShifts(sum, shifted)
	VMOVUPS(Mem{Base: strip}, right)
	ADDQ(U8(64), strip)
	for i := range int8StripRows {
		VMULPS_BCST(scales.at(i, 0), right, shifted[i])
		VCVTDQ2PS(sum[i], sum[i])
		VFMADD231PS(sum[i], shifted[i], total[i])
	}
	scales.advance(4)
	TESTQ(fours, fours)
	JNZ(LabelRef("block"))
	out, ldo := GP64(), GP64()
	Load(Param("out"), out)
	Load(Param("ldo"), ldo)
	SHLQ(U8(2), ldo)
	for _, t := range total {
		VMOVUPS(t, lanes, Mem{Base: out})
		ADDQ(ldo, out)
	}
	VZEROUPPER()
	RET()
}

// takeShifts takes from all lanes of each sum what the lanes of its shift add up to. It
// changes shifted.
func takeShifts(sum, shifted []reg.VecVirtual) {
	// Halves of the rows, then quarters: after that each quarter of a register has the
	// sums of four rows over its part of the lanes.
	half := ZMM()
	for i := 0; i < 8; i += 2 {
		VPUNPCKHDQ(shifted[i+1], shifted[i], half)
		VPUNPCKLDQ(shifted[i+1], shifted[i], shifted[i])
		VPADDD(half, shifted[i], shifted[i])
	}
	for i := 0; i < 8; i += 4 {
		VPUNPCKHQDQ(shifted[i+2], shifted[i], half)
		VPUNPCKLQDQ(shifted[i+2], shifted[i], shifted[i])
		VPADDD(half, shifted[i], shifted[i])
	}
	// The first two quarters become those of rows 0 to 3, the others of rows 4 to 7.
	all := shifted[0]
	VSHUFI32X4(U8(0xdd), shifted[4], all, half)
	VSHUFI32X4(U8(0x88), shifted[4], all, all)
	VPADDD(half, all, all)
	VSHUFI32X4(U8(0xb1), all, all, half)
	VPADDD(half, all, all)
	for i := range 4 {
		one, two := shifted[1], shifted[2]
		VPSHUFD(U8(uint8(0x55*i)), all, one)
		VSHUFI32X4(U8(0xaa), one, one, two)
		VSHUFI32X4(U8(0), one, one, one)
		VPSUBD(one, sum[i], sum[i])
		VPSUBD(two, sum[i+4], sum[i+4])
	}
}

// A distance is how far rows are apart, once and three times.
type distance struct{ one, three reg.GPVirtual }

func newDistance(one reg.GPVirtual) distance {
	d := distance{one, GP64()}
	LEAQ(Mem{Base: one, Index: one, Scale: 2}, d.three)
	return d
}

// eightRows are rows of memory at equal distances.
type eightRows struct {
	first, fifth reg.GPVirtual
	apart        distance
}

func newEightRows(first reg.GPVirtual, apart distance) eightRows {
	r := eightRows{first, GP64(), apart}
	LEAQ(Mem{Base: first, Index: apart.one, Scale: 4}, r.fifth)
	return r
}

// at is a place in row i.
func (r eightRows) at(i, disp int) Mem {
	base := r.first
	if i >= 4 {
		base = r.fifth
	}
	switch i % 4 {
	case 0:
		return Mem{Base: base, Disp: disp}
	case 3:
		return Mem{Base: base, Index: r.apart.three, Scale: 1, Disp: disp}
	}
	return Mem{Base: base, Index: r.apart.one, Scale: uint8(i % 4), Disp: disp}
}

// advance moves on in all rows.
func (r eightRows) advance(bytes int) {
	ADDQ(U8(uint8(bytes)), r.first)
	ADDQ(U8(uint8(bytes)), r.fifth)
}
