package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// columnRows is how many rows a dotColumn takes at a time, at most.
const columnRows = 4

// A dotColumn is a kernel of dot products of rows where they lie: of all with one row
// of y after the other, or of each with its own. It goes through all of them in one
// call, so that a few short rows cost little more than their arithmetic.
type dotColumn struct {
	f     number
	v     vector
	pairs bool // each row has its own row of y

	n          reg.GPVirtual // rows left
	x, y, out  reg.GPVirtual
	ldx, ldy   distance
	ldo        reg.GPVirtual
	wholeBytes reg.GPVirtual // of a row that are whole steps
	tail       dotTail

	queries, first reg.GPVirtual // rows of y left, and where the products of one begin
}

// dotColumns: out[i·ldo + j·ldq] is the product of row i of x with row j of y, for n > 0
// rows and q > 0, over d > 0 numbers, in the lanes and with the final tree that Dots
// defines.
func dotColumns(f number, v vector) {
	name := "dotColumns" + f.name + v.name
	TEXT(name, NOSPLIT, fmt.Sprintf("func(n, q, d int, x *%s, ldx int, y *%[1]s, ldy int, out *%[1]s, ldo, ldq int)", f.typ))
	Pragma("noescape")
	Doc(name + " multiplies rows with one row after the other.")
	c := newDotColumn(f, v)
	c.queries, c.first = parameters("q")[0], GP64()
	Label("query")
	MOVQ(c.out, c.first)
	c.choose()
	c.allRows("", "done")
	c.allRows("narrow", "done")
	Label("done")
	DECQ(c.queries)
	JZ(LabelRef("end"))
	ADDQ(c.distance("ldy"), c.y)
	ADDQ(c.distance("ldq"), c.first)
	MOVQ(c.first, c.out)
	Load(Param("x"), c.x)
	Load(Param("n"), c.n)
	JMP(LabelRef("query"))
	Label("end")
	VZEROUPPER()
	RET()
}

// dotPairs: out[i·ldo] is the product of row i of x with row i of y; everything else is
// as dotColumns has it.
func dotPairs(f number, v vector) {
	name := "dotPairs" + f.name + v.name
	TEXT(name, NOSPLIT, fmt.Sprintf("func(n, d int, x *%s, ldx int, y *%[1]s, ldy int, out *%[1]s, ldo int)", f.typ))
	Pragma("noescape")
	Doc(name + " multiplies rows with as many rows.")
	c := newDotColumn(f, v)
	c.pairs, c.ldy = true, newDistance(c.distance("ldy"))
	c.choose()
	c.allRows("", "end")
	c.allRows("narrow", "end")
	Label("end")
	VZEROUPPER()
	RET()
}

// newDotColumn loads what both kinds have.
func newDotColumn(f number, v vector) *dotColumn {
	p := parameters("n", "d", "x", "y", "out")
	c := &dotColumn{f: f, v: v, n: p[0], x: p[2], y: p[3], out: p[4]}
	c.ldx, c.ldo = newDistance(c.distance("ldx")), c.distance("ldo")
	c.tail = newDotTail(f, v, p[1])
	c.wholeBytes = GP64()
	MOVQ(c.tail.steps, c.wholeBytes)
	SHLQ(U8(6), c.wholeBytes)
	return c
}

// distance loads a distance of rows.
func (c *dotColumn) distance(name string) reg.GPVirtual {
	r := parameters(name)[0]
	c.f.scale(r)
	return r
}

// choose goes to what is for narrow rows, if they are.
func (c *dotColumn) choose() {
	TESTQ(c.tail.steps, c.tail.steps)
	JNZ(LabelRef("Rows"))
	CMPQ(c.tail.left, U8(uint8(c.narrow())))
	JLE(LabelRef("narrowRows"))
}

// narrow is the number of numbers that half of the lanes hold. Rows no longer than that
// need no more, and no steps.
func (c *dotColumn) narrow() int { return 32 / c.f.bytes }

// allRows multiplies all rows, and goes on at a label.
func (c *dotColumn) allRows(prefix, done string) {
	Label(prefix + "Rows")
	for rows := 1; rows < columnRows; rows++ {
		CMPQ(c.n, U8(uint8(rows)))
		JEQ(LabelRef(turnLabel(prefix, rows)))
	}
	c.turn(prefix, columnRows)
	LEAQ(Mem{Base: c.x, Index: c.ldx.one, Scale: columnRows}, c.x)
	if c.pairs {
		LEAQ(Mem{Base: c.y, Index: c.ldy.one, Scale: columnRows}, c.y)
	}
	SUBQ(U8(columnRows), c.n)
	JNZ(LabelRef(prefix + "Rows"))
	JMP(LabelRef(done))
	for rows := 1; rows < columnRows; rows++ {
		c.turn(prefix, rows)
		JMP(LabelRef(done))
	}
}

func turnLabel(prefix string, rows int) string { return fmt.Sprint(prefix, "Turn", rows) }

// turn multiplies some rows, and leaves x and y where they were and out behind what it
// has written.
func (c *dotColumn) turn(prefix string, rows int) {
	label := turnLabel(prefix, rows)
	Label(label)
	if prefix != "" {
		sum := emptied(v256.registers(rows))
		c.addNarrow(label, sum, rows)
		c.writeSums(sum, rows)
		return
	}
	parts := 64 / c.v.bytes
	sum := emptied(c.v.registers(rows * parts))
	count := GP64()
	MOVQ(c.tail.steps, count)
	TESTQ(count, count)
	JZ(LabelRef(label + "Tail"))
	Label(label + "Step")
	for part := range parts {
		c.addPart(sum[part*rows:], rows, part, c.v, c.f.load)
	}
	ADDQ(U8(64), c.x)
	ADDQ(U8(64), c.y)
	DECQ(count)
	JNZ(LabelRef(label + "Step"))
	Label(label + "Tail")
	TESTQ(c.tail.left, c.tail.left)
	JZ(LabelRef(label + "Sum"))
	CMPQ(c.tail.left, U8(uint8(c.narrow())))
	JG(LabelRef(label + "Wide"))
	c.addNarrow(label, sum, rows)
	JMP(LabelRef(label + "Sum"))
	Label(label + "Wide")
	c.addLeft(sum, rows, 2)
	Label(label + "Sum")
	SUBQ(c.wholeBytes, c.x)
	SUBQ(c.wholeBytes, c.y)
	c.writeSums(sum, rows)
}

// emptied clears registers.
func emptied(r []reg.VecVirtual) []reg.VecVirtual {
	for _, r := range r {
		VXORPS(r, r, r)
	}
	return r
}

// addNarrow adds the products of the numbers left where half of the lanes holds them. A
// load that reaches over what is just being written behind the rows waits for that: so
// no more is loaded than must be.
func (c *dotColumn) addNarrow(label string, sum []reg.VecVirtual, rows int) {
	CMPQ(c.tail.left, U8(1))
	JNE(LabelRef(label + "Several"))
	c.addPart(sum, rows, 0, v256, func(from, to Op) { c.f.loadLow(from, to.(reg.Vec).AsX()) })
	JMP(LabelRef(label + "Added"))
	Label(label + "Several")
	c.addLeft(sum, rows, 1)
	Label(label + "Added")
}

// addLeft adds the products of the numbers left, which are in so many halves of the
// lanes.
func (c *dotColumn) addLeft(sum []reg.VecVirtual, rows, halves int) {
	v := v256
	if c.v.bytes == 64 && halves == 2 {
		v, halves = v512, 1
	}
	for part := range halves {
		mask := c.tail.mask(part)
		c.addPart(sum[part*rows:], rows, part, v, func(from, to Op) { c.tail.loadLeft(from.(Mem), mask, to) })
	}
}

// addPart adds to the sums what a part of a step gives, loaded into registers of width v.
func (c *dotColumn) addPart(sum []reg.VecVirtual, rows, part int, v vector, load func(from, to Op)) {
	x, y := c.v.register(), c.v.register()
	sized := func(r reg.VecVirtual) reg.Register {
		if v.bytes == 64 {
			return r
		}
		return r.(reg.Vec).AsY()
	}
	like := func(r, sum reg.VecVirtual) reg.Register {
		if sum.Size() == 64 {
			return r.(reg.Vec).AsZ()
		}
		return r.(reg.Vec).AsY()
	}
	for i := range rows {
		if i == 0 || c.pairs {
			load(rowAt(c.y, c.ldy, i, part*v.bytes), sized(y))
		}
		load(rowAt(c.x, c.ldx, i, part*v.bytes), sized(x))
		c.f.fma(like(y, sum[i]), like(x, sum[i]), sum[i])
	}
}

// writeSums adds the lanes of up to four dot products up as Dots has it, all at once, and
// writes them.
func (c *dotColumn) writeSums(sum []reg.VecVirtual, rows int) {
	for _, total := range c.sums(sum, rows) {
		c.f.storeLow(total, Mem{Base: c.out})
		ADDQ(c.ldo, c.out)
	}
}

// rowAt is a place in row i of up to four.
func rowAt(base reg.GPVirtual, apart distance, i, disp int) Mem {
	switch i {
	case 0:
		return Mem{Base: base, Disp: disp}
	case 3:
		return Mem{Base: base, Index: apart.three, Scale: 1, Disp: disp}
	}
	return Mem{Base: base, Index: apart.one, Scale: uint8(i), Disp: disp}
}

// sums returns registers whose first lanes are the sums.
func (c *dotColumn) sums(sum []reg.VecVirtual, rows int) []reg.VecVirtual {
	if sum[0].Size() == 64 {
		return c.sumsOf512(sum)
	}
	// Half of the lanes of narrow rows is zero, and matters where a sum is -0.
	upper := emptied(v256.registers(1))
	for i := range rows {
		if len(sum) > rows {
			upper = sum[rows+i:]
		}
		c.f.add(upper[0], sum[i], sum[i])
	}
	return c.sumsOf256(sum[:rows])
}

// sumsOf512 is sums for a register a row. What is fewer than four stands for the others
// too.
func (c *dotColumn) sumsOf512(sum []reg.VecVirtual) []reg.VecVirtual {
	rows, lower, upper := len(sum), ZMM(), ZMM()
	halve := func(a, b reg.VecVirtual, evens, odds uint8) {
		VSHUFF64X2(U8(evens), b, a, lower)
		VSHUFF64X2(U8(odds), b, a, upper)
		c.f.add(upper, lower, a)
	}
	first, third := sum[0], sum[0]
	halve(first, sum[min(1, rows-1)], 0x44, 0xee)
	if rows > 2 {
		third = sum[2]
		halve(third, sum[rows-1], 0x44, 0xee)
	}
	halve(first, third, 0x88, 0xdd)
	c.addWithin(first, lower)
	totals := []reg.VecVirtual{first}
	for i := 1; i < rows; i++ {
		total := XMM()
		VEXTRACTF32X4(U8(uint8(i)), first, total)
		totals = append(totals, total)
	}
	return totals
}

// sumsOf256 is sums for a register a row that has half of the lanes.
func (c *dotColumn) sumsOf256(sum []reg.VecVirtual) (totals []reg.VecVirtual) {
	lower, upper := YMM(), YMM()
	for ; len(sum) > 1; sum = sum[2:] {
		VPERM2F128(U8(0x20), sum[1], sum[0], lower)
		VPERM2F128(U8(0x31), sum[1], sum[0], upper)
		c.f.add(upper, lower, sum[0])
		c.addWithin(sum[0], lower)
		total := XMM()
		VEXTRACTF128(U8(1), sum[0], total)
		totals = append(totals, sum[0], total)
	}
	if len(sum) == 1 {
		VEXTRACTF128(U8(1), sum[0], upper.AsX())
		c.f.add(upper, sum[0], sum[0])
		c.addWithin(sum[0], lower)
		totals = append(totals, sum[0])
	}
	return totals
}

// addWithin adds up the lanes of each 16 bytes, the upper half to the lower one.
func (c *dotColumn) addWithin(r, other reg.VecVirtual) {
	if c.f.bytes == 4 {
		VPERMILPS(U8(0x4E), r, other)
		c.f.add(other, r, r)
		VMOVSHDUP(r, other)
	} else if r.Size() == 64 {
		VPERMILPD(U8(0x55), r, other)
	} else {
		VPERMILPD(U8(0x5), r, other)
	}
	c.f.add(other, r, r)
}
