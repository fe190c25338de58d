package capture

import (
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/kernel"
)

// finite reports whether no number is NaN or infinite: zero times such a number is
// NaN, which no sum loses. Four sums keep a core busy.
func finite[F kernel.Float](x []F) bool {
	var a, b, c, d F
	for len(x) >= 4 {
		a, b, c, d = F(x[0]*0)+a, F(x[1]*0)+b, F(x[2]*0)+c, F(x[3]*0)+d
		x = x[4:]
	}
	for _, v := range x {
		a = F(v*0) + a
	}
	return a+b+c+d == 0
}

// finiteHalf reports the same of half numbers, whose exponent has all bits set
// where they are not finite.
func finiteHalf(x []uint16, d dataset.Dtype) bool {
	exponent := uint16(0x7c00)
	if d == dataset.BFloat16 {
		exponent = 0x7f80
	}
	for _, v := range x {
		if v&exponent == exponent {
			return false
		}
	}
	return true
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
