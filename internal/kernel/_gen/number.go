package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A number is a type for which a kernel is written, with the instructions that
// differ between the two.
type number struct {
	name  string // how the kernel's name has it
	typ   string
	bytes int

	load, store func(from, to Op)
	loadMasked  func(from, mask, to Op) // of 512 bits; other lanes become zero
	storeMasked func(from, mask, to Op)
	maskLoad    func(from, mask, to Op) // of 256 bits
	broadcast   func(from, to Op)
	fma         func(x, y, z Op) // z += x·y
	xor         func(x, y, z Op)
	add         func(x, y, z Op)
	storeLow    func(from reg.VecVirtual, to Op) // the first lane
	loadLow     func(from, to Op)                // the first lane; others become zero
	compare     func(predicate, y, x, to Op)     // x and y in this order
	signs       func(from, to Op)                // the sign bits of the lanes
}

var (
	float32s = number{
		name: "Float", typ: "float32", bytes: 4,
		load:        func(from, to Op) { VMOVUPS(from, to) },
		store:       func(from, to Op) { VMOVUPS(from, to) },
		loadMasked:  func(from, mask, to Op) { VMOVUPS_Z(from, mask, to) },
		storeMasked: func(from, mask, to Op) { VMOVUPS(from, mask, to) },
		maskLoad:    func(from, mask, to Op) { VMASKMOVPS(from, mask, to) },
		broadcast:   func(from, to Op) { VBROADCASTSS(from, to) },
		fma:         func(x, y, z Op) { VFMADD231PS(x, y, z) },
		xor:         func(x, y, z Op) { VXORPS(x, y, z) },
		add:         func(x, y, z Op) { VADDPS(x, y, z) },
		storeLow:    func(from reg.VecVirtual, to Op) { VMOVSS(low(from), to) },
		loadLow:     func(from, to Op) { VMOVSS(from, to) },
		compare:     func(predicate, y, x, to Op) { VCMPPS(predicate, y, x, to) },
		signs:       func(from, to Op) { VMOVMSKPS(from, to) },
	}
	float64s = number{
		name: "Double", typ: "float64", bytes: 8,
		load:        func(from, to Op) { VMOVUPD(from, to) },
		store:       func(from, to Op) { VMOVUPD(from, to) },
		loadMasked:  func(from, mask, to Op) { VMOVUPD_Z(from, mask, to) },
		storeMasked: func(from, mask, to Op) { VMOVUPD(from, mask, to) },
		maskLoad:    func(from, mask, to Op) { VMASKMOVPD(from, mask, to) },
		broadcast:   func(from, to Op) { VBROADCASTSD(from, to) },
		fma:         func(x, y, z Op) { VFMADD231PD(x, y, z) },
		xor:         func(x, y, z Op) { VXORPD(x, y, z) },
		add:         func(x, y, z Op) { VADDPD(x, y, z) },
		storeLow:    func(from reg.VecVirtual, to Op) { VMOVSD(low(from), to) },
		loadLow:     func(from, to Op) { VMOVSD(from, to) },
		compare:     func(predicate, y, x, to Op) { VCMPPD(predicate, y, x, to) },
		signs:       func(from, to Op) { VMOVMSKPD(from, to) },
	}
)

// lanes is how many of the numbers fill a register.
func (f number) lanes(v vector) int { return v.bytes / f.bytes }

// scale turns a count of numbers into bytes.
func (f number) scale(r reg.GPVirtual) {
	shift := U8(2)
	if f.bytes == 8 {
		shift = 3
	}
	SHLQ(shift, r)
}

// parameters loads the parameters of these names into registers.
func parameters(names ...string) []reg.GPVirtual {
	r := make([]reg.GPVirtual, len(names))
	for i, name := range names {
		r[i] = Load(Param(name), GP64()).(reg.GPVirtual)
	}
	return r
}
