package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"
)

// A vector is a width of SIMD registers for which a kernel is written.
type vector struct {
	name  string // what the kernel's name ends with
	bytes int
}

var (
	v256 = vector{"256", 32}
	v512 = vector{"512", 64}
)

// register returns a fresh register of the width.
func (v vector) register() reg.VecVirtual {
	if v.bytes == 64 {
		return build.ZMM()
	}
	return build.YMM()
}

// registers returns n fresh registers.
func (v vector) registers(n int) []reg.VecVirtual {
	r := make([]reg.VecVirtual, n)
	for i := range r {
		r[i] = v.register()
	}
	return r
}

// doubles is the number of float64 in a register.
func (v vector) doubles() int { return v.bytes / 8 }

// floats is the number of float32 in a register.
func (v vector) floats() int { return v.bytes / 4 }
