package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func init() { families["int8"] = integers }

// integers writes the kernels of int8 rows.
func integers() {
	int8Dots(v256, 2)
	int8Dots(v512, 4)
	int8Strip()
	int8Tile()
}

const (
	int8Rows  = 4            // train rows of a tile
	int8Step  = 64           // numbers of a step
	int8Steps = 4            // steps of a block, which has scales of its own
	int8Ahead = 8 * int8Step // where in its rows a tile has what it asks for in the first cache
)

// An int8Body is what the tiles of a kernel share.
type int8Body struct {
	v                                          vector
	steps, x, ldx, scale, lds, y, sums, yscale reg.GPVirtual
	out, ldo                                   reg.GPVirtual
	flip                                       reg.VecVirtual // turns int8 into its uint8 plus 128
}

// int8Dots: out[i·ldo + j] is the score of row i of x with query j as Int8Dots
// defines it, for int8Rows rows of so many steps and 1 to most queries. In y lie
// the queries step by step; sums and yscale have a number for each block and query.
func int8Dots(v vector, most int) {
	TEXT("int8Dots"+v.name, NOSPLIT, "func(queries, steps int, x *int8, ldx int, scale *float32, lds int, y *int8, sums *int32, yscale *float32, out *float32, ldo int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("int8Dots%s multiplies %d rows of int8 with 1 to %d queries.", v.name, int8Rows, most))
	p := parameters("queries", "steps", "x", "ldx", "scale", "lds", "y", "sums", "yscale")
	queries := p[0]
	b := int8Body{v: v, steps: p[1], x: p[2], ldx: p[3], scale: p[4], lds: p[5], y: p[6], sums: p[7], yscale: p[8]}
	SHLQ(U8(2), b.lds)
	if v.bytes == 64 {
		b.flip = ZMM()
		bits := GP32()
		MOVL(U32(0x80808080), bits)
		VPBROADCASTD(bits, b.flip)
	}
	for q := most; q > 1; q-- {
		CMPQ(queries, U8(uint8(q)))
		JEQ(LabelRef(tileLabel(int8Rows, q)))
	}
	for q := 1; q <= most; q++ {
		Label(tileLabel(int8Rows, q))
		b.tile(q)
	}
}

func (b *int8Body) tile(queries int) {
	label := tileLabel(int8Rows, queries)
	x3, lds3, later := GP64(), GP64(), GP64()
	LEAQ(Mem{Base: b.ldx, Index: b.ldx, Scale: 2}, x3)
	LEAQ(Mem{Base: b.lds, Index: b.lds, Scale: 2}, lds3)
	LEAQ(Mem{Base: b.x, Index: b.ldx, Scale: 4}, later)
	four := func(base, ld, ld3 reg.GPVirtual, i, disp int) Mem {
		return []Mem{
			{Base: base, Disp: disp},
			{Base: base, Index: ld, Scale: 1, Disp: disp},
			{Base: base, Index: ld, Scale: 2, Disp: disp},
			{Base: base, Index: ld3, Scale: 1, Disp: disp},
		}[i]
	}
	total := make([]reg.VecVirtual, queries)
	for j := range total {
		total[j] = XMM()
		VXORPS(total[j], total[j], total[j])
	}
	sum := b.v.registers(int8Rows * queries)
	count := GP64()
	Label(label + "Block")
	for _, s := range sum {
		clearInts(b.v, s)
	}
	MOVQ(U32(int8Steps), count)
	CMPQ(count, b.steps)
	CMOVQGT(b.steps, count)
	SUBQ(count, b.steps)
	Label(label + "Step")
	for i := range int8Rows {
		PREFETCHT0(four(b.x, b.ldx, x3, i, int8Ahead))
		PREFETCHT1(four(later, b.ldx, x3, i, 0))
	}
	b.step(queries, sum, func(i, disp int) Mem { return four(b.x, b.ldx, x3, i, disp) })
	ADDQ(U8(int8Step), b.x)
	ADDQ(U8(int8Step), later)
	ADDQ(U32(uint32(int8Step*queries)), b.y)
	DECQ(count)
	JNZ(LabelRef(label + "Step"))

	scales := XMM()
	VMOVSS(four(b.scale, b.lds, lds3, 0, 0), scales)
	for i := 1; i < int8Rows; i++ {
		VINSERTPS(U8(uint8(i<<4)), four(b.scale, b.lds, lds3, i, 0), scales, scales)
	}
	for j := range queries {
		s := b.fold(sum[int8Rows*j:][:int8Rows])
		t := XMM()
		if b.v.bytes == 64 {
			VPBROADCASTD(Mem{Base: b.sums, Disp: 4 * j}, t)
			VPSUBD(t, s, s)
		}
		VCVTDQ2PS(s, s)
		VBROADCASTSS(Mem{Base: b.yscale, Disp: 4 * j}, t)
		VMULPS(t, scales, t)
		VFMADD231PS(s, t, total[j])
	}
	ADDQ(U8(4), b.scale)
	ADDQ(U8(uint8(4*queries)), b.sums)
	ADDQ(U8(uint8(4*queries)), b.yscale)
	TESTQ(b.steps, b.steps)
	JNZ(LabelRef(label + "Block"))

	out, ldo := GP64(), GP64()
	Load(Param("out"), out)
	Load(Param("ldo"), ldo)
	SHLQ(U8(2), ldo)
	for i := range int8Rows {
		for j := range queries {
			VEXTRACTPS(U8(uint8(i)), total[j], Mem{Base: out, Disp: 4 * j})
		}
		ADDQ(ldo, out)
	}
	VZEROUPPER()
	RET()
}

// clearInts clears a register of integers.
func clearInts(v vector, r reg.VecVirtual) {
	if v.bytes == 64 {
		VPXORD(r, r, r)
	} else {
		VPXOR(r, r, r)
	}
}

// step adds the products of 64 numbers of each row and query to the sums.
func (b *int8Body) step(queries int, sum []reg.VecVirtual, row func(i, disp int) Mem) {
	if b.v.bytes == 64 {
		x, y := b.v.registers(int8Rows), b.v.register()
		for i := range x {
			VPXORD(row(i, 0), b.flip, x[i])
		}
		for j := range queries {
			VMOVDQU64(Mem{Base: b.y, Disp: int8Step * j}, y)
			for i := range x {
				unsignedDot(y, x[i], sum[int8Rows*j+i])
			}
		}
		return
	}
	x, product := YMM(), YMM()
	y := b.v.registers(queries)
	for at := 0; at < int8Step; at += 16 {
		for j := range y {
			VPMOVSXBW(Mem{Base: b.y, Disp: int8Step*j + at}, y[j])
		}
		for i := range int8Rows {
			VPMOVSXBW(row(i, at), x)
			for j := range y {
				VPMADDWD(y[j], x, product)
				VPADDD(product, sum[int8Rows*j+i], sum[int8Rows*j+i])
			}
		}
	}
}

// unsignedDot adds to each 32-bit lane of sum the four products of the lane's bytes
// in x, without sign, and y, with sign: VPDPBUSD, which avo does not know.
func unsignedDot(y, x, sum Op) {
	operands := []Op{y, x, sum}
	Instruction(&ir.Instruction{Opcode: "VPDPBUSD", Operands: operands, Inputs: operands, Outputs: operands[2:]})
}

// unsignedDotWithOne is unsignedDot where the bytes with sign are the same four in each
// lane.
func unsignedDotWithOne(four Mem, x, sum Op) {
	operands := []Op{four, x, sum}
	Instruction(&ir.Instruction{Opcode: "VPDPBUSD", Suffixes: []string{"BCST"}, Operands: operands, Inputs: operands, Outputs: operands[2:]})
}

// fold adds up the lanes of each of four registers; lane i of the result is the
// sum of register i.
func (b *int8Body) fold(sum []reg.VecVirtual) reg.Register {
	half := YMM()
	for _, s := range sum {
		y := s.(reg.Vec).AsY()
		if b.v.bytes == 64 {
			VEXTRACTI64X4(U8(1), s, half)
			VPADDD(half, y, y)
			VEXTRACTI32X4(U8(1), y, half.AsX())
		} else {
			VEXTRACTI128(U8(1), y, half.AsX())
		}
		VPADDD(half.AsX(), low(s), low(s))
	}
	a, c := XMM(), XMM()
	VPUNPCKLDQ(low(sum[1]), low(sum[0]), a)
	VPUNPCKHDQ(low(sum[1]), low(sum[0]), half.AsX())
	VPADDD(half.AsX(), a, a)
	VPUNPCKLDQ(low(sum[3]), low(sum[2]), c)
	VPUNPCKHDQ(low(sum[3]), low(sum[2]), half.AsX())
	VPADDD(half.AsX(), c, c)
	VPUNPCKLQDQ(c, a, half.AsX())
	VPUNPCKHQDQ(c, a, a)
	VPADDD(half.AsX(), a, a)
	return a
}

// int8TileRows and int8TileCols are the shape of a tile of a product: two registers
// for each row, two for the columns and two for numbers of rows.
const (
	int8TileRows = 14
	int8TileCols = 32
)

// int8Tile: c[i·ldc + j] = fma(scale[i]·yscale[j], S[i, j], c[i·ldc + j]) for
// int8TileRows × int8TileCols numbers, where S[i, j] = start[j] plus the products of
// 4·k bytes of row i, without sign, and column j, with sign. They lie in a and b in
// fours: a[l·rows + i], b[l·cols + j].
func int8Tile() {
	TEXT("int8Tile512", NOSPLIT, "func(k int, a, b, start *int32, scale, yscale, c *float32, ldc int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("int8Tile512 adds the products of a block to %d × %d numbers.", int8TileRows, int8TileCols))
	p := parameters("k", "a", "b", "start", "scale", "yscale", "c", "ldc")
	k, a, b, start, scale, yscale, c, ldc := p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]
	SHLQ(U8(2), ldc)
	sum, right, left := v512.registers(2*int8TileRows), v512.registers(2), v512.registers(2)
	for i := range sum {
		VMOVDQU32(Mem{Base: start, Disp: i % 2 * 64}, sum[i])
	}
	const unrolled = 2
	multiply := func(l int) {
		for h := range right {
			VMOVDQU32(Mem{Base: b, Disp: (2*l + h) * 64}, right[h])
			PREFETCHT0(Mem{Base: b, Disp: (2*l+h)*64 + 1024})
		}
		for i := range int8TileRows {
			VPBROADCASTD(Mem{Base: a, Disp: (l*int8TileRows + i) * 4}, left[i%2])
			unsignedDot(right[0], left[i%2], sum[2*i])
			unsignedDot(right[1], left[i%2], sum[2*i+1])
		}
	}
	Label("step")
	for l := range unrolled {
		multiply(l)
	}
	ADDQ(U32(4*unrolled*int8TileRows), a)
	ADDQ(U32(4*unrolled*int8TileCols), b)
	SUBQ(U8(unrolled), k)
	JNZ(LabelRef("step"))
	VMOVUPS(Mem{Base: yscale}, right[0])
	VMOVUPS(Mem{Base: yscale, Disp: 64}, right[1])
	for i := range int8TileRows {
		for h := range right {
			s := sum[2*i+h]
			VBROADCASTSS(Mem{Base: scale, Disp: 4 * i}, left[0])
			VMULPS(right[h], left[0], left[0])
			VCVTDQ2PS(s, s)
			VFMADD213PS(Mem{Base: c, Disp: 64 * h}, left[0], s)
			VMOVUPS(s, Mem{Base: c, Disp: 64 * h})
		}
		ADDQ(ldc, c)
	}
	VZEROUPPER()
	RET()
}
