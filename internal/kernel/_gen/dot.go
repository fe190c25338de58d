package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func init() { families["dot"] = dot }

// dot writes the kernels of dot products.
func dot() {
	for _, f := range []number{float32s, float64s} {
		for _, v := range []vector{v256, v512} {
			dots(plain(f), v)
			dotColumns(f, v)
			dotPairs(f, v)
		}
	}
	dots(float16Rows, v512)
	dots(bfloat16Rows, v512)
}

// A rowFormat is how the train rows of a dot product are stored, and how they
// become the numbers of the query rows.
type rowFormat struct {
	number
	kind        string // how the kernel's name has it
	stored      string // the Go type of a stored number
	bytes       int    // the size of a stored number
	fetch       func(from Mem, to Op)
	fetchMasked func(from Mem, mask, to Op) // of 512 bits; other lanes become zero
}

// plain rows are stored as what they are.
func plain(f number) rowFormat {
	return rowFormat{
		number: f, kind: f.name, stored: f.typ, bytes: f.bytes,
		fetch:       func(from Mem, to Op) { f.load(from, to) },
		fetchMasked: func(from Mem, mask, to Op) { f.loadMasked(from, mask, to) },
	}
}

// Rows of 16-bit numbers become float32 on their way into registers.
var (
	float16Rows = rowFormat{
		number: float32s, kind: "Float16", stored: "uint16", bytes: 2,
		fetch:       func(from Mem, to Op) { VCVTPH2PS(from, to) },
		fetchMasked: func(from Mem, mask, to Op) { VCVTPH2PS_Z(from, mask, to) },
	}
	bfloat16Rows = rowFormat{
		number: float32s, kind: "BFloat16", stored: "uint16", bytes: 2,
		fetch: func(from Mem, to Op) {
			VPMOVZXWD(from, to)
			VPSLLD(U8(16), to, to)
		},
		fetchMasked: func(from Mem, mask, to Op) {
			VPMOVZXWD_Z(from, mask, to)
			VPSLLD(U8(16), to, to)
		},
	}
)

// A dotShape is a number of train rows and the numbers of query rows for which a
// kernel keeps all lanes of their products in registers.
type dotShape struct{ rows, least, most int }

// dotShapes are the shapes of a kernel: few queries leave registers for more
// train rows, and each load of a query row is then used more often.
func dotShapes(v vector) []dotShape {
	if v.bytes == 64 {
		return []dotShape{{4, 1, 6}, {1, 1, 6}}
	}
	return []dotShape{{2, 1, 3}, {1, 1, 3}}
}

// aheadOfRows is how many steps before its use a part of a train row is asked for. Tiles
// of many queries have other queries behind them, which read the rows again from the
// second cache.
func aheadOfRows(queries int) uint32 {
	if queries > 4 {
		return 16
	}
	return 8
}

// dots: out[i·ldo + j] is the product of row i of x with query j, over d numbers,
// in the lanes and with the final tree that Dots defines, for a number of rows and
// queries that is one of the shapes. The queries lie in y step by step, 64 bytes of
// each, with zeros behind their ends. A tile of several rows asks for as many from
// later on, for the caches behind the first.
func dots(f rowFormat, v vector) {
	TEXT("dots"+f.kind+v.name, NOSPLIT, fmt.Sprintf("func(rows, queries, d int, x, later *%s, ldx int, y, out *%[2]s, ldo int)", f.stored, f.typ))
	Pragma("noescape")
	Doc(fmt.Sprintf("dots%s%s multiplies train rows with query rows; %v are its shapes.", f.kind, v.name, dotShapes(v)))
	p := parameters("rows", "queries", "d", "x", "later", "ldx", "y", "out", "ldo")
	rows, queries := p[0], p[1]
	b := dotBody{f: f, v: v, d: p[2], x: p[3], later: p[4], ldx: p[5], y: p[6], out: p[7], ldo: p[8]}
	IMUL3Q(U8(uint8(f.bytes)), b.ldx, b.ldx)
	f.scale(b.ldo)
	b.dotTail = newDotTail(f.number, v, b.d)
	for _, s := range dotShapes(v) {
		other := fmt.Sprintf("not%d", s.rows)
		CMPQ(rows, U8(uint8(s.rows)))
		JNE(LabelRef(other))
		for q := s.most; q > s.least; q-- {
			CMPQ(queries, U8(uint8(q)))
			JEQ(LabelRef(tileLabel(s.rows, q)))
		}
		for q := s.least; q <= s.most; q++ {
			Label(tileLabel(s.rows, q))
			b.tile(s.rows, q)
		}
		Label(other)
	}
	RET()
}

func tileLabel(rows, queries int) string { return fmt.Sprintf("tile%dx%d", rows, queries) }

// A dotBody is what the tiles of a kernel share.
type dotBody struct {
	f                      rowFormat
	v                      vector
	d, x, ldx, y, out, ldo reg.GPVirtual
	later                  reg.GPVirtual
	dotTail
}

// A dotTail is how d numbers fall into whole steps and the numbers left, with the mask
// of those.
type dotTail struct {
	f           number
	v           vector
	steps, left reg.GPVirtual
	opmask      reg.OpmaskVirtual
	ymasks      reg.GPVirtual
}

// perLanes is how many registers hold the lanes of a dot product.
func (b *dotBody) perLanes() int { return 64 / b.v.bytes }

// newDotTail divides d.
func newDotTail(f number, v vector, d reg.GPVirtual) dotTail {
	lanes := 64 / f.bytes
	t := dotTail{f: f, v: v, steps: GP64(), left: GP64()}
	MOVQ(d, t.left)
	ANDQ(U8(uint8(lanes-1)), t.left)
	MOVQ(d, t.steps)
	shift := U8(4)
	if lanes == 8 {
		shift = 3
	}
	SHRQ(shift, t.steps)
	if v.bytes == 64 {
		ones := GP64()
		MOVQ(U32(1), ones)
		MOVQ(t.left, reg.RCX)
		SHLQ(reg.CL, ones)
		DECQ(ones)
		t.opmask = K()
		KMOVW(ones.As32(), t.opmask)
		return t
	}
	// The table has 64 bytes of ones before 64 of zeros.
	t.ymasks = GP64()
	back := GP64()
	LEAQ(dotMasks(), t.ymasks)
	ADDQ(U8(64), t.ymasks)
	MOVQ(t.left, back)
	f.scale(back)
	SUBQ(back, t.ymasks)
	return t
}

// mask returns the mask of a part of the numbers left.
func (t dotTail) mask(part int) Op {
	if t.v.bytes == 64 {
		return t.opmask
	}
	mask := YMM()
	VMOVDQU(Mem{Base: t.ymasks, Disp: part * t.v.bytes}, mask)
	return mask
}

// loadLeft loads the numbers left; other lanes become zero.
func (t dotTail) loadLeft(from Mem, mask, to Op) {
	if t.v.bytes == 64 {
		t.f.loadMasked(from, mask, to)
	} else {
		t.f.maskLoad(from, mask, to)
	}
}

// dotMasks is a table of 64 bytes of ones before 64 bytes of zeros.
func dotMasks() Mem {
	if maskTable.Symbol.Name == "" {
		maskTable = GLOBL("dotMasks", RODATA|NOPTR)
		for i := range 16 {
			ones := uint64(0)
			if i < 8 {
				ones = 1<<64 - 1
			}
			DATA(8*i, U64(ones))
		}
	}
	return maskTable
}

var maskTable Mem

// tile writes the products of some train rows with some query rows. A single
// query need not have zeros behind its end.
func (b *dotBody) tile(rows, queries int) {
	label := tileLabel(rows, queries)
	parts := b.perLanes()
	acc := b.v.registers(rows * queries * parts)
	for _, a := range acc {
		VXORPS(a, a, a)
	}
	x, y, ldx3 := GP64(), GP64(), GP64()
	MOVQ(b.x, x)
	MOVQ(b.y, y)
	LEAQ(Mem{Base: b.ldx, Index: b.ldx, Scale: 2}, ldx3)
	at := func(from reg.GPVirtual, i, disp int) Mem {
		return []Mem{
			{Base: from, Disp: disp},
			{Base: from, Index: b.ldx, Scale: 1, Disp: disp},
			{Base: from, Index: b.ldx, Scale: 2, Disp: disp},
			{Base: from, Index: ldx3, Scale: 1, Disp: disp},
		}[i]
	}
	loadAll := func(from Mem, to Op) { b.f.load(from, to) }
	row, query := b.v.registers(rows), b.v.register()
	step := func(part int, loadRow, loadQuery func(from Mem, to Op)) {
		for i := range rows {
			loadRow(at(x, i, part*b.v.bytes*b.f.bytes/b.f.number.bytes), row[i])
		}
		for j := range queries {
			loadQuery(Mem{Base: y, Disp: j*64 + part*b.v.bytes}, query)
			for i := range rows {
				b.f.fma(query, row[i], acc[(i*queries+j)*parts+part])
			}
		}
	}
	// The last steps ask for the beginning of the rows that come next.
	stepBytes := 64 * b.f.bytes / b.f.number.bytes
	steps, lastSteps, ahead, next := GP64(), GP64(), GP64(), GP64()
	MOVQ(U32(aheadOfRows(queries)), lastSteps)
	CMPQ(lastSteps, b.steps)
	CMOVQGT(b.steps, lastSteps)
	MOVQ(b.steps, steps)
	SUBQ(lastSteps, steps)
	IMUL3Q(U8(uint8(stepBytes)), lastSteps, ahead)
	ADDQ(x, ahead)
	IMUL3Q(U8(uint8(rows)), b.ldx, next)
	ADDQ(x, next)
	TESTQ(steps, steps)
	JZ(LabelRef(label + "Last"))
	Label(label + "Step")
	for i := range rows {
		PREFETCHT0(at(ahead, i, 0))
	}
	if rows > 1 {
		for i := range rows {
			PREFETCHT1(at(b.later, i, 0))
		}
	}
	for part := range parts {
		step(part, b.f.fetch, loadAll)
	}
	ADDQ(U8(uint8(stepBytes)), x)
	ADDQ(U8(uint8(stepBytes)), ahead)
	if rows > 1 {
		ADDQ(U8(uint8(stepBytes)), b.later)
	}
	ADDQ(U32(uint32(64*queries)), y)
	DECQ(steps)
	JNZ(LabelRef(label + "Step"))
	Label(label + "Last")
	MOVQ(next, ahead)
	XCHGQ(lastSteps, steps)
	TESTQ(steps, steps)
	JNZ(LabelRef(label + "Step"))
	TESTQ(b.left, b.left)
	JZ(LabelRef(label + "Sum"))
	for part := range parts {
		mask := b.mask(part)
		load := func(from Mem, to Op) { b.loadLeft(from, mask, to) }
		fetch := load
		if b.v.bytes == 64 {
			fetch = func(from Mem, to Op) { b.f.fetchMasked(from, mask, to) }
		}
		if queries > 1 {
			load = loadAll
		}
		step(part, fetch, load)
	}
	Label(label + "Sum")
	to := GP64()
	MOVQ(b.out, to)
	for i := range rows {
		for j := range queries {
			b.sum(acc[(i*queries+j)*parts:][:parts])
			b.f.storeLow(acc[(i*queries+j)*parts], Mem{Base: to, Disp: j * b.f.number.bytes})
		}
		if i < rows-1 {
			ADDQ(b.ldo, to)
		}
	}
	VZEROUPPER()
	RET()
}

// sum adds the lanes of a dot product up to one number, the lower half of the
// lanes and the upper half at each step.
func (b *dotBody) sum(acc []reg.VecVirtual) {
	half := YMM()
	low := acc[0].(reg.Vec)
	if len(acc) == 2 {
		b.f.add(acc[1], acc[0], acc[0])
	} else {
		VEXTRACTF64X4(U8(1), acc[0], half)
		b.f.add(half, low.AsY(), low.AsY())
	}
	if b.v.bytes == 64 {
		VEXTRACTF32X4(U8(1), low.AsY(), half.AsX())
	} else {
		VEXTRACTF128(U8(1), low.AsY(), half.AsX())
	}
	b.f.add(half.AsX(), low.AsX(), low.AsX())
	if b.f.number.bytes == 4 {
		VPERMILPS(U8(0x4E), low.AsX(), half.AsX())
		b.f.add(half.AsX(), low.AsX(), low.AsX())
		VMOVSHDUP(low.AsX(), half.AsX())
		b.f.add(half.AsX(), low.AsX(), low.AsX())
		return
	}
	VPERMILPD(U8(1), low.AsX(), half.AsX())
	b.f.add(half.AsX(), low.AsX(), low.AsX())
}
