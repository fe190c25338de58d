package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func init() { families["gemm"] = gemm }

// gemm writes the kernels of matrix products.
func gemm() {
	for _, f := range []number{float32s, float64s} {
		for _, v := range []vector{v256, v512} {
			tile(f, v)
			strip(f, v)
			spread(f, v)
			widen(f, v)
		}
		transpose(f)
	}
}

// tileRows is how many rows of C a tile has: two registers for each, two for a
// row of B and two for numbers of A fill the register file.
func tileRows(v vector) int {
	if v.bytes == 64 {
		return 14
	}
	return 6
}

const (
	unrolledSteps = 4 // steps over k between two jumps
	aheadOfB      = 2048
)

// tile: C[i, j] = fma(a[l·rows + i], b[l·cols + j], C[i, j]) for l in [0, k), of
// a whole tile of rows × cols, which stays in registers. It asks for the rows of
// C below, which the next call takes.
func tile(f number, v vector) {
	rows, step := tileRows(v), 2*v.bytes
	TEXT("tile"+f.name+v.name, NOSPLIT, fmt.Sprintf("func(k int, a, b, c *%s, ldc int)", f.typ))
	Pragma("noescape")
	Doc(fmt.Sprintf("tile%s%s adds a product of packed strips to %d × %d numbers.", f.name, v.name, rows, 2*f.lanes(v)))
	p := parameters("k", "a", "b", "c", "ldc")
	k, a, b, c, ldc := p[0], p[1], p[2], p[3], p[4]
	f.scale(ldc)
	acc, right, left := v.registers(2*rows), v.registers(2), v.registers(2)

	at := GP64()
	MOVQ(c, at)
	for i := range rows {
		f.load(Mem{Base: at}, acc[2*i])
		f.load(Mem{Base: at, Disp: v.bytes}, acc[2*i+1])
		ADDQ(ldc, at)
	}
	multiply := func(l int) {
		for h := range 2 {
			f.load(Mem{Base: b, Disp: l*step + h*v.bytes}, right[h])
		}
		for line := 0; line < step; line += 64 {
			PREFETCHT0(Mem{Base: b, Disp: l*step + line + aheadOfB})
		}
		for i := range rows {
			f.broadcast(Mem{Base: a, Disp: (l*rows + i) * f.bytes}, left[i%2])
			f.fma(left[i%2], right[0], acc[2*i])
			f.fma(left[i%2], right[1], acc[2*i+1])
		}
	}
	// The rows below are asked for one by one: all at once would hold up A and B.
	below, rest := GP64(), GP64()
	many := func(label string, count reg.GPVirtual, also func()) {
		TESTQ(count, count)
		JZ(LabelRef(label + "Done"))
		Label(label)
		also()
		for l := range unrolledSteps {
			multiply(l)
		}
		ADDQ(U32(uint32(unrolledSteps*rows*f.bytes)), a)
		ADDQ(U32(uint32(unrolledSteps*step)), b)
		DECQ(count)
		JNZ(LabelRef(label))
		Label(label + "Done")
	}
	MOVQ(k, rest)
	SHRQ(U8(2), rest)
	MOVQ(U32(uint32(rows)), below)
	CMPQ(rest, below)
	CMOVQLT(rest, below)
	SUBQ(below, rest)
	many("first", below, func() {
		for line := 0; line < step; line += 64 {
			PREFETCHT0(Mem{Base: at, Disp: line})
		}
		PREFETCHT0(Mem{Base: at, Disp: step - 1})
		ADDQ(ldc, at)
	})
	many("loop", rest, func() {})
	ANDQ(U8(unrolledSteps-1), k)
	JZ(LabelRef("store"))
	Label("single")
	multiply(0)
	ADDQ(U32(uint32(rows*f.bytes)), a)
	ADDQ(U32(uint32(step)), b)
	DECQ(k)
	JNZ(LabelRef("single"))
	Label("store")
	for i := range rows {
		f.store(acc[2*i], Mem{Base: c})
		f.store(acc[2*i+1], Mem{Base: c, Disp: v.bytes})
		ADDQ(ldc, c)
	}
	VZEROUPPER()
	RET()
}

// stripRows is how many rows of C a strip takes at once: with two registers
// each, as many chains as hide the latency of a fused multiply-add.
const stripRows = 4

// strip: C[i, j] = fma(a[i·across + l·along], b[l·ldb + j], C[i, j]) for i in
// [0, m), j in [0, n) and l in [0, k): all of one, two or three rows up to
// stripRows at a time, and n up to two registers. Nothing beyond column n is
// touched.
func strip(f number, v vector) {
	TEXT("strip"+f.name+v.name, NOSPLIT, fmt.Sprintf("func(m, n, k int, a *%[1]s, across, along int, b *%[1]s, ldb int, c *%[1]s, ldc int)", f.typ))
	Pragma("noescape")
	Doc(fmt.Sprintf("strip%s%s adds a product to m × n numbers, n at most %d.", f.name, v.name, 2*f.lanes(v)))
	s := stripBody{f: f, v: v}
	p := parameters("m", "k", "a", "across", "along", "b", "ldb", "c", "ldc")
	s.m, s.k, s.a, s.across, s.along, s.b, s.ldb, s.c, s.ldc = p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8]
	for _, r := range []reg.GPVirtual{s.across, s.along, s.ldb, s.ldc} {
		f.scale(r)
	}
	s.across3 = GP64()
	LEAQ(Mem{Base: s.across, Index: s.across, Scale: 2}, s.across3)
	if v.bytes == 64 {
		s.masked512()
	} else {
		s.masked256()
	}
}

// A stripBody is what the loops of a strip share.
type stripBody struct {
	f                                               number
	v                                               vector
	m, k, a, across, across3, along, b, ldb, c, ldc reg.GPVirtual
}

// A columns set moves the columns of a strip between memory and registers.
type columnSet struct {
	label     string
	registers int
	load      func(from Mem, register int, to Op)
	store     func(from Op, register int, to Mem)
}

// masked512 writes the strip with mask registers: they cost nothing where all
// columns are there.
func (s *stripBody) masked512() {
	lanes := s.f.lanes(s.v)
	n := parameters("n")[0]
	masks := []reg.OpmaskVirtual{K(), K()}
	ones := GP64()
	MOVQ(U32(1), ones)
	MOVQ(n, reg.RCX)
	SHLQ(reg.CL, ones)
	DECQ(ones)
	KMOVW(ones.As32(), masks[0])
	SHRQ(U8(uint8(lanes)), ones)
	KMOVW(ones.As32(), masks[1])
	load := func(from Mem, r int, to Op) { s.f.loadMasked(from, masks[r], to) }
	store := func(from Op, r int, to Mem) { s.f.storeMasked(from, masks[r], to) }
	TESTQ(ones, ones)
	JZ(LabelRef("one"))
	s.rows(columnSet{"two", 2, load, store})
	s.rows(columnSet{"one", 1, load, store})
}

// masked256 writes the strip with masks in registers, which are slow to store
// with, and once more for all columns.
func (s *stripBody) masked256() {
	lanes := s.f.lanes(s.v)
	n, table := parameters("n")[0], GP64()
	mask := YMM()
	LEAQ(laneMasks(), table)
	full := func(from Mem, _ int, to Op) { s.f.load(from, to) }
	fullStore := func(from Op, _ int, to Mem) { s.f.store(from, to) }
	load := func(last int) func(from Mem, r int, to Op) {
		return func(from Mem, r int, to Op) {
			if r == last {
				s.f.maskLoad(from, mask, to)
			} else {
				s.f.load(from, to)
			}
		}
	}
	store := func(last int) func(from Op, r int, to Mem) {
		return func(from Op, r int, to Mem) {
			if r == last {
				s.f.maskLoad(from, mask, to)
			} else {
				s.f.store(from, to)
			}
		}
	}
	// mask takes the lanes below n, of the table's 32 bytes of ones and 32 of zeros.
	set := func(below int) {
		f := s.f
		left := GP64()
		MOVQ(U32(uint32(below)), left)
		SUBQ(n, left)
		f.scale(left)
		VMOVUPS(Mem{Base: table, Index: left, Scale: 1}, mask)
	}
	CMPQ(n, U32(uint32(lanes)))
	JLE(LabelRef("few"))
	CMPQ(n, U32(uint32(2*lanes)))
	JE(LabelRef("all"))
	set(2 * lanes)
	s.rows(columnSet{"two", 2, load(1), store(1)})
	Label("all")
	s.rows(columnSet{"full", 2, full, fullStore})
	Label("few")
	set(lanes)
	s.rows(columnSet{"one", 1, load(0), store(0)})
}

// laneMasks is a table of 32 bytes of ones before 32 bytes of zeros.
func laneMasks() Mem {
	if masks.Symbol.Name == "" {
		masks = GLOBL("laneMasks", RODATA|NOPTR)
		for i := range 4 {
			DATA(8*i, U64(1<<64-1))
		}
		for i := range 4 {
			DATA(32+8*i, U64(0))
		}
	}
	return masks
}

var masks Mem

// rows goes over the rows of C, stripRows at a time, and returns.
func (s *stripBody) rows(c columnSet) {
	Label(c.label)
	CMPQ(s.m, U32(stripRows))
	JL(LabelRef(c.label + "Rest"))
	s.chains(c, stripRows)
	LEAQ(Mem{Base: s.a, Index: s.across, Scale: 4}, s.a)
	LEAQ(Mem{Base: s.c, Index: s.ldc, Scale: 4}, s.c)
	SUBQ(U8(stripRows), s.m)
	JMP(LabelRef(c.label))
	Label(c.label + "Rest")
	for rows := stripRows - 1; rows > 0; rows-- {
		next := fmt.Sprintf("%sBelow%d", c.label, rows)
		CMPQ(s.m, U32(uint32(rows)))
		JL(LabelRef(next))
		s.chains(c, rows)
		VZEROUPPER()
		RET()
		Label(next)
	}
	VZEROUPPER()
	RET()
}

// chains runs over k for some rows.
func (s *stripBody) chains(c columnSet, rows int) {
	label := fmt.Sprintf("%sChains%d", c.label, rows)
	acc, right, left := s.v.registers(rows*c.registers), s.v.registers(c.registers), s.v.register()
	a, b, l := GP64(), GP64(), GP64()
	each := func(do func(i, r int, at Mem)) {
		MOVQ(s.c, a)
		for i := range rows {
			for r := range c.registers {
				do(i, r, Mem{Base: a, Disp: r * s.v.bytes})
			}
			if i < rows-1 {
				ADDQ(s.ldc, a)
			}
		}
	}
	each(func(i, r int, at Mem) { c.load(at, r, acc[i*c.registers+r]) })
	MOVQ(s.a, a)
	MOVQ(s.b, b)
	MOVQ(s.k, l)
	Label(label)
	for r := range c.registers {
		c.load(Mem{Base: b, Disp: r * s.v.bytes}, r, right[r])
	}
	for i := range rows {
		s.f.broadcast([]Mem{
			{Base: a},
			{Base: a, Index: s.across, Scale: 1},
			{Base: a, Index: s.across, Scale: 2},
			{Base: a, Index: s.across3, Scale: 1},
		}[i], left)
		for r := range c.registers {
			s.f.fma(left, right[r], acc[i*c.registers+r])
		}
	}
	ADDQ(s.along, a)
	ADDQ(s.ldb, b)
	DECQ(l)
	JNZ(LabelRef(label))
	each(func(i, r int, at Mem) { c.store(acc[i*c.registers+r], r, at) })
}
