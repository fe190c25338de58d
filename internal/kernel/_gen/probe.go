package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

func init() { families["probe"] = probe }

// probe writes the loops that measure what the machine can do.
func probe() {
	for _, v := range []vector{v256, v512} {
		for _, f := range []number{float32s, float64s} {
			multiplyAdd(f, v)
		}
		read(v)
	}
}

// probeChains is how many chains a probe runs at once: as a tile does.
func probeChains(v vector) int { return 2 * tileRows(v) }

// multiplyAdd runs n steps of independent fused multiply-adds.
func multiplyAdd(f number, v vector) {
	TEXT("multiplyAdd"+f.name+v.name, NOSPLIT, "func(n int)")
	Doc(fmt.Sprintf("multiplyAdd%s%s runs n times %d fused multiply-adds of %d numbers.", f.name, v.name, probeChains(v), f.lanes(v)))
	n := parameters("n")[0]
	acc, x := v.registers(probeChains(v)), v.register()
	for _, r := range append(acc, x) {
		f.xor(r, r, r)
	}
	Label("loop")
	for _, r := range acc {
		f.fma(x, x, r)
	}
	DECQ(n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// readStep is how many registers a step of a read takes.
const readStep = 8

// read loads n·readStep registers and returns their sum, for nobody to use.
func read(v vector) {
	TEXT("read"+v.name, NOSPLIT, "func(p *byte, n int) uint64")
	Pragma("noescape")
	Doc(fmt.Sprintf("read%s reads n times %d bytes.", v.name, readStep*v.bytes))
	r := parameters("p", "n")
	p, n := r[0], r[1]
	sum := v.registers(readStep)
	for _, s := range sum {
		VXORPS(s, s, s)
	}
	Label("loop")
	for i, s := range sum {
		VORPS(Mem{Base: p, Disp: i * v.bytes}, s, s)
	}
	ADDQ(U32(uint32(readStep*v.bytes)), p)
	DECQ(n)
	JNZ(LabelRef("loop"))
	for _, s := range sum[1:] {
		VORPS(s, sum[0], sum[0])
	}
	out := GP64()
	VMOVQ(low(sum[0]), out)
	Store(out, ReturnIndex(0))
	VZEROUPPER()
	RET()
}
