package main

import (
	"fmt"
	"math"
	"math/bits"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func init() { families["hadamard"] = hadamard }

// hadamard writes the kernels of the Hadamard projection.
func hadamard() {
	laneSigns := laneSignTable()
	lanes := laneNumberTable()
	for _, v := range []vector{v256, v512} {
		foldSigned(v, lanes)
		hadamardLanes(v, laneSigns)
		for stages := 1; stages <= 3; stages++ {
			hadamardPass(v, stages)
		}
		addFloats(v)
	}
}

// mostLanes is the number of float32 in the widest register.
const mostLanes = 16

// laneSignTable holds, for each stage inside of a register, +1 for lanes that
// get a sum and −1 for lanes that get a difference.
func laneSignTable() Mem {
	table := GLOBL("hadamardLaneSigns", RODATA|NOPTR)
	for stage := range 4 {
		for lane := range mostLanes {
			sign := float32(1)
			if lane>>stage&1 == 1 {
				sign = -1
			}
			DATA(4*(mostLanes*stage+lane), U32(math.Float32bits(sign)))
		}
	}
	return table
}

// laneNumberTable holds 0, 1, 2, ….
func laneNumberTable() Mem {
	table := GLOBL("foldLaneNumbers", RODATA|NOPTR)
	for lane := range mostLanes {
		DATA(4*lane, U32(uint32(lane)))
	}
	return table
}

// foldSigned: for j in [0, 64·words), acc[(first+j)^shift] += ±x[j], with minus
// where bit j of signs is set. first is a multiple of 64.
func foldSigned(v vector, lanes Mem) {
	TEXT("foldSigned"+v.name, NOSPLIT, "func(words int, x *float32, signs *uint64, acc *float32, first, shift int)")
	words := Load(Param("words"), GP64()).(reg.GPVirtual)
	x, signs := Load(Param("x"), GP64()).(reg.GPVirtual), Load(Param("signs"), GP64()).(reg.GPVirtual)
	acc, at := Load(Param("acc"), GP64()).(reg.GPVirtual), Load(Param("first"), GP64()).(reg.GPVirtual)
	shift := Load(Param("shift"), GP64()).(reg.GPVirtual)

	// Lanes are permuted by the low bits of shift, registers by the high ones.
	swap, minus := v.register(), v.register()
	broadcast(shift.As32(), swap)
	xorLanes(v, lanes, swap)
	ANDQ(I32(-int32(v.floats())), shift)
	SHLQ(U8(2), shift)
	SHLQ(U8(2), at)
	top := GP32()
	MOVL(U32(1<<31), top)
	broadcast(top, minus)
	flip := signFlipper(v, lanes, minus, signs)

	Label("word")
	CMPQ(words, U8(0))
	JE(LabelRef("done"))
	for k := range 64 / v.floats() {
		value, to := v.register(), GP64()
		VMOVUPS(Mem{Base: x, Disp: k * v.bytes}, value)
		flip(k, value)
		VPERMPS(value, swap, value)
		LEAQ(Mem{Base: at, Disp: k * v.bytes}, to)
		XORQ(shift, to)
		VADDPS(Mem{Base: acc, Index: to, Scale: 1}, value, value)
		VMOVUPS(value, Mem{Base: acc, Index: to, Scale: 1})
	}
	ADDQ(U32(256), x)
	ADDQ(U32(256), at)
	ADDQ(U8(8), signs)
	DECQ(words)
	JMP(LabelRef("word"))
	Label("done")
	VZEROUPPER()
	RET()
}

// xorLanes xors the lane numbers into a register.
func xorLanes(v vector, lanes Mem, r reg.VecVirtual) {
	if v.bytes == 64 {
		VPXORD(lanes, r, r)
		return
	}
	VPXOR(lanes, r, r)
}

// broadcast copies a number into all lanes of a register.
func broadcast(from reg.Register, to reg.VecVirtual) {
	x := XMM()
	VMOVD(from, x)
	VPBROADCASTD(x, to)
}

// signFlipper returns what negates the lanes of register k of a word whose sign
// bits are set.
func signFlipper(v vector, lanes Mem, minus reg.VecVirtual, signs reg.GPVirtual) func(k int, value reg.VecVirtual) {
	if v.bytes == 64 {
		return func(k int, value reg.VecVirtual) {
			mask := K()
			KMOVW(Mem{Base: signs, Disp: 2 * k}, mask)
			VPXORD(minus, value, mask, value)
		}
	}
	// A half word in all lanes, shifted so that each lane has its own bit on top.
	shifts := v.registers(4)
	for k, s := range shifts {
		most, first := GP32(), v.register()
		MOVL(U32(uint32(31-8*k)), most)
		broadcast(most, first)
		VPSUBD(lanes, first, s)
	}
	half := v.register()
	return func(k int, value reg.VecVirtual) {
		if k%4 == 0 {
			VPBROADCASTD(Mem{Base: signs, Disp: k}, half)
		}
		bit := v.register()
		VPSLLVD(shifts[k%4], half, bit)
		VPAND(minus, bit, bit)
		VXORPS(bit, value, value)
	}
}

// hadamardLanes: the stages inside of each register, for n numbers.
func hadamardLanes(v vector, table Mem) {
	TEXT("hadamardLanes"+v.name, NOSPLIT, "func(n int, x *float32)")
	n, x := Load(Param("n"), GP64()).(reg.GPVirtual), Load(Param("x"), GP64()).(reg.GPVirtual)
	signs := v.registers(bits.TrailingZeros(uint(v.floats())))
	for stage, s := range signs {
		VMOVUPS(table.Offset(4*mostLanes*stage), s)
	}
	Label("register")
	CMPQ(n, U8(0))
	JE(LabelRef("done"))
	value, other := v.register(), v.register()
	VMOVUPS(Mem{Base: x}, value)
	for stage, s := range signs {
		swapLanes(v, stage, value, other)
		VFMADD213PS(other, s, value)
	}
	VMOVUPS(value, Mem{Base: x})
	ADDQ(U8(uint8(v.bytes)), x)
	SUBQ(U8(uint8(v.floats())), n)
	JMP(LabelRef("register"))
	Label("done")
	VZEROUPPER()
	RET()
}

// swapLanes exchanges lanes that are 2^stage apart.
func swapLanes(v vector, stage int, from, to reg.VecVirtual) {
	switch {
	case stage == 0:
		VPERMILPS(U8(0xb1), from, to)
	case stage == 1:
		VPERMILPS(U8(0x4e), from, to)
	case v.bytes == 32:
		VPERM2F128(U8(0x01), from, from, to)
	case stage == 2:
		VSHUFF32X4(U8(0xb1), from, from, to)
	default:
		VSHUFF32X4(U8(0x4e), from, from, to)
	}
}

// hadamardPass: stages of butterflies over n numbers, the first between numbers
// that are stride apart.
func hadamardPass(v vector, stages int) {
	TEXT(fmt.Sprintf("hadamardPass%d_%s", 1<<stages, v.name), NOSPLIT, "func(n int, x *float32, stride int)")
	left, x := Load(Param("n"), GP64()).(reg.GPVirtual), Load(Param("x"), GP64()).(reg.GPVirtual)
	stride := Load(Param("stride"), GP64()).(reg.GPVirtual)
	SHLQ(U8(2), stride)
	SHLQ(U8(2), left)
	span := GP64()
	MOVQ(stride, span)
	SHLQ(U8(uint8(stages)), span)
	Label("span")
	CMPQ(left, U8(0))
	JE(LabelRef("done"))
	at, end := GP64(), GP64()
	MOVQ(x, at)
	LEAQ(Mem{Base: x, Index: stride, Scale: 1}, end)
	Label("column")
	butterflies(v, stages, at, stride)
	ADDQ(U8(uint8(v.bytes)), at)
	CMPQ(at, end)
	JNE(LabelRef("column"))
	ADDQ(span, x)
	SUBQ(span, left)
	JMP(LabelRef("span"))
	Label("done")
	VZEROUPPER()
	RET()
}

// butterflies transforms 2^stages registers that lie stride bytes apart.
func butterflies(v vector, stages int, at, stride reg.GPVirtual) {
	n := 1 << stages
	value, place := v.registers(n), make([]Mem, n)
	row := at
	for i := range n {
		place[i] = Mem{Base: row}
		if i%2 == 1 {
			place[i] = Mem{Base: row, Index: stride, Scale: 1}
			next := GP64()
			LEAQ(Mem{Base: row, Index: stride, Scale: 2}, next)
			row = next
		}
		VMOVUPS(place[i], value[i])
	}
	for s := 1; s < n; s *= 2 {
		for i := range n {
			if i&s == 0 {
				sum := v.register()
				VADDPS(value[i+s], value[i], sum)
				VSUBPS(value[i+s], value[i], value[i+s])
				value[i] = sum
			}
		}
	}
	for i := range n {
		VMOVUPS(value[i], place[i])
	}
}

// addFloats: to[i] += from[i] for n numbers, a multiple of a register.
func addFloats(v vector) {
	TEXT("addFloats"+v.name, NOSPLIT, "func(n int, from, to *float32)")
	n := Load(Param("n"), GP64()).(reg.GPVirtual)
	from, to := Load(Param("from"), GP64()).(reg.GPVirtual), Load(Param("to"), GP64()).(reg.GPVirtual)
	i := GP64()
	XORQ(i, i)
	Label("register")
	CMPQ(i, n)
	JGE(LabelRef("done"))
	sum := v.register()
	VMOVUPS(Mem{Base: to, Index: i, Scale: 4}, sum)
	VADDPS(Mem{Base: from, Index: i, Scale: 4}, sum, sum)
	VMOVUPS(sum, Mem{Base: to, Index: i, Scale: 4})
	ADDQ(U8(uint8(v.floats())), i)
	JMP(LabelRef("register"))
	Label("done")
	VZEROUPPER()
	RET()
}
