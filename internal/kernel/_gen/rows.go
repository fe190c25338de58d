package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func init() { families["rows"] = rows }

// rows writes the kernels over rows of seeds that leaves name.
func rows() {
	for _, v := range []vector{v256, v512} {
		addRows(v)
		pullRows(v, false)
		pullRows(v, true)
	}
}

// unrolled is how many registers a step of the inner loop takes.
const unrolled = 4

// columns runs body over the columns of a row: in steps of four registers, of
// one, and of a single number. body gets the number of registers, 0 for a
// single number, and the index register that holds the first column.
func columns(v vector, label string, width, j reg.GPVirtual, body func(registers int)) {
	left := GP64()
	MOVQ(width, left)
	XORQ(j, j)
	step := func(name string, size, registers int) {
		Label(label + name)
		CMPQ(left, U32(uint32(size)))
		JL(LabelRef(label + name + "Done"))
		body(registers)
		ADDQ(U32(uint32(size)), j)
		SUBQ(U32(uint32(size)), left)
		JMP(LabelRef(label + name))
		Label(label + name + "Done")
	}
	step("Wide", unrolled*v.doubles(), unrolled)
	step("One", v.doubles(), 1)
	step("Tail", 1, 0)
}

// rowOf returns the address of the row of base that the 32-bit number at
// index[i] names; stride is the length of a row in bytes.
func rowOf(base, index, i, stride reg.GPVirtual) reg.GPVirtual {
	p := GP64()
	MOVL(Mem{Base: index, Index: i, Scale: 4}, p.As32())
	IMULQ(stride, p)
	ADDQ(base, p)
	return p
}

// addRows: s[i·width + j] += a[i]·v[leaf[i]·width + j].
func addRows(v vector) {
	TEXT("addRows"+v.name, NOSPLIT, "func(n int, leaf *uint32, a, v, s *float64, width int)")
	n, leaf := Load(Param("n"), GP64()).(reg.GPVirtual), Load(Param("leaf"), GP64()).(reg.GPVirtual)
	a, from := Load(Param("a"), GP64()).(reg.GPVirtual), Load(Param("v"), GP64()).(reg.GPVirtual)
	to, width := Load(Param("s"), GP64()).(reg.GPVirtual), Load(Param("width"), GP64()).(reg.GPVirtual)
	stride, i, j := GP64(), GP64(), GP64()
	MOVQ(width, stride)
	SHLQ(U8(3), stride)
	XORQ(i, i)
	factor, prod := v.register(), v.registers(unrolled)
	x := XMM()
	Label("row")
	CMPQ(i, n)
	JGE(LabelRef("done"))
	row := rowOf(from, leaf, i, stride)
	VBROADCASTSD(Mem{Base: a, Index: i, Scale: 8}, factor)
	columns(v, "row", width, j, func(registers int) {
		if registers == 0 {
			VMULSD(Mem{Base: row, Index: j, Scale: 8}, low(factor), x)
			VADDSD(Mem{Base: to, Index: j, Scale: 8}, x, x)
			VMOVSD(x, Mem{Base: to, Index: j, Scale: 8})
			return
		}
		for r := range registers {
			VMULPD(Mem{Base: row, Index: j, Scale: 8, Disp: r * v.bytes}, factor, prod[r])
		}
		for r := range registers {
			VADDPD(Mem{Base: to, Index: j, Scale: 8, Disp: r * v.bytes}, prod[r], prod[r])
		}
		for r := range registers {
			VMOVUPD(prod[r], Mem{Base: to, Index: j, Scale: 8, Disp: r * v.bytes})
		}
	})
	ADDQ(stride, to)
	INCQ(i)
	JMP(LabelRef("row"))
	Label("done")
	VZEROUPPER()
	RET()
}

// pullRows: s[i] −= a[i]·v[from[i]], or with what the row's outputs share
// s[i] −= a[i]·v[from[i]] − p[i]·total[i]; then sum[to[i]] += s[i].
func pullRows(v vector, shared bool) {
	name, signature := "pullRows", "func(n int, from, to *uint32, a, v, s, sum *float64, width int)"
	if shared {
		name, signature = "pullRowsShared", "func(n int, from, to *uint32, a, v, p, total, s, sum *float64, width int)"
	}
	TEXT(name+v.name, NOSPLIT, signature)
	load := func(name string) reg.GPVirtual { return Load(Param(name), GP64()).(reg.GPVirtual) }
	n, from, to := load("n"), load("from"), load("to")
	a, value, s, sum, width := load("a"), load("v"), load("s"), load("sum"), load("width")
	var p, total reg.GPVirtual
	if shared {
		p, total = load("p"), load("total")
	}
	i, j := GP64(), GP64()
	XORQ(i, i)
	factor, part := v.register(), v.register()
	prod, row := v.registers(unrolled), v.registers(unrolled)
	Label("row")
	CMPQ(i, n)
	JGE(LabelRef("done"))
	stride := GP64()
	MOVQ(width, stride)
	SHLQ(U8(3), stride)
	source, target := rowOf(value, from, i, stride), rowOf(sum, to, i, stride)
	VBROADCASTSD(Mem{Base: a, Index: i, Scale: 8}, factor)
	if shared {
		VBROADCASTSD(Mem{Base: p, Index: i, Scale: 8}, part)
	}
	columns(v, "row", width, j, func(registers int) {
		at := func(base reg.GPVirtual, r int) Mem {
			return Mem{Base: base, Index: j, Scale: 8, Disp: r * v.bytes}
		}
		if registers == 0 {
			pullOne(at, source, target, s, total, low(factor), low(part), shared)
			return
		}
		for r := range registers {
			PREFETCHT0(at(s, r).Offset(prefetched * 64))
			VMULPD(at(source, r), factor, prod[r])
		}
		if shared {
			for r := range registers {
				VMULPD(at(total, r), part, row[r])
				VSUBPD(row[r], prod[r], prod[r])
			}
		}
		for r := range registers {
			VMOVUPD(at(s, r), row[r])
			VSUBPD(prod[r], row[r], row[r])
		}
		for r := range registers {
			VMOVUPD(row[r], at(s, r))
			VADDPD(at(target, r), row[r], row[r])
		}
		for r := range registers {
			VMOVUPD(row[r], at(target, r))
		}
	})
	MOVQ(width, j)
	SHLQ(U8(3), j)
	ADDQ(j, s)
	if shared {
		ADDQ(j, total)
	}
	INCQ(i)
	JMP(LabelRef("row"))
	Label("done")
	VZEROUPPER()
	RET()
}

// pullOne is pullRows for a single number.
func pullOne(at func(reg.GPVirtual, int) Mem, source, target, s, total reg.GPVirtual, factor, part reg.Register, shared bool) {
	x, y := XMM(), XMM()
	VMULSD(at(source, 0), factor, x)
	if shared {
		VMULSD(at(total, 0), part, y)
		VSUBSD(y, x, x)
	}
	VMOVSD(at(s, 0), y)
	VSUBSD(x, y, x)
	VMOVSD(x, at(s, 0))
	VADDSD(at(target, 0), x, x)
	VMOVSD(x, at(target, 0))
}

// prefetched is how many cache lines ahead of the adjoints a sweep asks for.
const prefetched = 24

// low is the lowest 128 bits of a register.
func low(r reg.VecVirtual) reg.Register { return r.(reg.Vec).AsX() }
