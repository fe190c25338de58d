package capture

import (
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/kernel"
)

// finite reports whether no number is NaN or infinite. Such a number makes the sum of
// squares one, which a kernel finds at the speed of memory; only where that is no
// number, perhaps because large ones overflow, is each looked at.
func finite[F kernel.Float](x []F) bool {
	var sum [1]F
	row := kernel.MatrixOf(x, 1, len(x))
	kernel.RowDots(1, row, row, sum[:])
	if sum[0]-sum[0] == 0 {
		return true
	}
	for _, v := range x {
		if v-v != 0 {
			return false
		}
	}
	return true
}

// finiteHalf reports the same of half numbers, whose exponent has all bits set where
// they are not finite: one more in its last bit carries into the sign.
func finiteHalf(x []uint16, dtype dataset.Dtype) bool {
	exponent, one := uint16(0x7c00), uint16(0x0400)
	if dtype == dataset.BFloat16 {
		exponent, one = 0x7f80, 0x0080
	}
	var a, b, c, d uint16
	for ; len(x) >= 8; x = x[8:] {
		v := (*[8]uint16)(x)
		a |= (v[0]&exponent + one) | (v[4]&exponent + one)
		b |= (v[1]&exponent + one) | (v[5]&exponent + one)
		c |= (v[2]&exponent + one) | (v[6]&exponent + one)
		d |= (v[3]&exponent + one) | (v[7]&exponent + one)
	}
	for _, v := range x {
		a |= v&exponent + one
	}
	return (a|b|c|d)>>15 == 0
}

// finiteRows reports whether rows lo … hi−1 of a block hold finite numbers only.
func finiteRows(b *dataset.Block, d dataset.Dtype, lo, hi int) bool {
	lo, hi = lo*b.Cols, hi*b.Cols
	switch {
	case b.Rows == 0:
		return true
	case d == dataset.Float64:
		return finite(b.Float64[lo:hi])
	case d == dataset.Float32:
		return finite(b.Float32[lo:hi])
	}
	return finiteHalf(b.Half[lo:hi], d)
}
