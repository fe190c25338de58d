package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func init() { families["symv"] = symv }

// symv writes the kernels of products with a symmetric matrix.
func symv() {
	symvRows(v256, 4)
	symvRows(v512, 8)
}

// symvAhead is how many bytes ahead of its reads each row is asked for. Reads
// from memory limit the kernel, and rows are too short for the processor to
// foresee them well.
const symvAhead = 1024

// symvRows reads some rows of a lower triangle once: each element feeds the dot
// product of its row and the y of its column. blocks is the number of 8-column
// blocks left of the diagonal block, which only feeds the dot products.
func symvRows(v vector, rows int) {
	kernel("symvRows"+v.name, "func(blocks int, a *float64, stride int, x, y, xi, yi *float64)")
	blocks := Load(Param("blocks"), GP64()).(reg.GPVirtual)
	a := rowPointers(Load(Param("a"), GP64()).(reg.GPVirtual), Load(Param("stride"), GP64()).(reg.GPVirtual), rows)
	x, y := Load(Param("x"), GP64()).(reg.GPVirtual), Load(Param("y"), GP64()).(reg.GPVirtual)
	xi, yi := Load(Param("xi"), GP64()).(reg.GPVirtual), Load(Param("yi"), GP64()).(reg.GPVirtual)
	parts := 64 / v.bytes
	factor := v.registers(rows)
	sum := make([][]reg.VecVirtual, rows)
	for r := range rows {
		VBROADCASTSD(Mem{Base: xi, Disp: 8 * r}, factor[r])
		sum[r] = v.registers(parts)
		for _, s := range sum[r] {
			VXORPD(s, s, s)
		}
	}
	vx, vy, va := v.register(), v.register(), v.register()
	j := GP64()
	XORQ(j, j)
	TESTQ(blocks, blocks)
	JZ(LabelRef("diagonal"))
	Label("block")
	for p := range parts {
		VMOVUPD(Mem{Base: x, Index: j, Scale: 1, Disp: p * v.bytes}, vx)
		VMOVUPD(Mem{Base: y, Index: j, Scale: 1, Disp: p * v.bytes}, vy)
		for r := range rows {
			m := a.at(r, p*v.bytes)
			VMOVUPD(m, va)
			if p == 0 {
				PREFETCHT0(m.Offset(symvAhead))
			}
			VFMADD231PD(va, vx, sum[r][p])
			VFMADD231PD(va, factor[r], vy)
		}
		VMOVUPD(vy, Mem{Base: y, Index: j, Scale: 1, Disp: p * v.bytes})
	}
	ADDQ(U8(64), j)
	a.advance(64)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	Label("diagonal")
	for p := range parts {
		VMOVUPD(Mem{Base: x, Index: j, Scale: 1, Disp: p * v.bytes}, vx)
		for r := range rows {
			VFMADD231PD(a.at(r, p*v.bytes), vx, sum[r][p])
		}
	}
	for r := range rows {
		t := sumLanes(v, sum[r])
		VADDSD(Mem{Base: yi, Disp: 8 * r}, t, t)
		VMOVSD(t, Mem{Base: yi, Disp: 8 * r})
	}
	VZEROUPPER()
	RET()
}

// pointers are the addresses of consecutive rows, four of them to a base.
type pointers struct {
	base            []reg.GPVirtual
	stride, stride3 reg.GPVirtual // in bytes
}

// rowPointers turns an address and a stride in numbers into pointers to rows.
func rowPointers(a, stride reg.GPVirtual, rows int) pointers {
	p := pointers{base: []reg.GPVirtual{a}, stride: stride, stride3: GP64()}
	SHLQ(U8(3), stride)
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, p.stride3)
	for r := 4; r < rows; r += 4 {
		next := GP64()
		LEAQ(Mem{Base: p.base[len(p.base)-1], Index: stride, Scale: 4}, next)
		p.base = append(p.base, next)
	}
	return p
}

// at is an address in row r.
func (p pointers) at(r, disp int) Mem {
	m := Mem{Base: p.base[r/4], Disp: disp}
	switch r % 4 {
	case 1:
		m.Index, m.Scale = p.stride, 1
	case 2:
		m.Index, m.Scale = p.stride, 2
	case 3:
		m.Index, m.Scale = p.stride3, 1
	}
	return m
}

// advance moves all rows on by some bytes.
func (p pointers) advance(bytes int) {
	for _, b := range p.base {
		ADDQ(U32(uint32(bytes)), b)
	}
}
