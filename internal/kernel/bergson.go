package kernel

import (
	"crypto/md5"
	"encoding/binary"
	"math"
	mathbits "math/bits"
)

// A BergsonScale is what bergson divides the signs of a projection by.
type BergsonScale uint8

// The values of bergson's projection_scale.
const (
	BergsonJL      BergsonScale = iota // BergsonJL is the root of the number of rows.
	BergsonRowNorm                     // BergsonRowNorm is the length of a row.
)

// Bergson fills m with the Rademacher matrix that bergson (EleutherAI, 0.26) draws
// for an identifier, "<module>/left", "<module>/right" or "<module>/single", bit for
// bit. The seed is the MD5 of the identifier as a big-endian number modulo 2⁶³ − 1;
// numpy's Generator(PCG64(seed)).bytes gives the signs, row by row, the highest bit
// of a byte first; 1 is plus. A module's gradient G becomes L·G·Rᵀ, see
// [ProjectOuter].
//
// Its other kind, "normal", is drawn by torch, whose numbers depend on its CPU; it is
// not here.
func Bergson[F Float](identifier string, scale BergsonScale, m Matrix[F]) {
	m.check()
	divisor := m.Rows
	if scale == BergsonRowNorm {
		divisor = m.Cols
	}
	one := 1 / F(math.Sqrt(float64(divisor)))
	random := newNumpyPCG64(bergsonSeed(identifier))
	var word uint64
	left := 0 // signs in word
	for i := range m.Rows {
		row := m.Row(i)
		for j := range row {
			if left == 0 {
				word, left = mathbits.ReverseBytes64(random.next()), 64
			}
			left--
			row[j] = one
			if word>>left&1 == 0 {
				row[j] = -one
			}
		}
	}
}

// bergsonSeed returns the seed of an identifier.
func bergsonSeed(identifier string) uint64 {
	digest := md5.Sum([]byte(identifier))
	return mathbits.Rem64(binary.BigEndian.Uint64(digest[:8]), binary.BigEndian.Uint64(digest[8:]), 1<<63-1)
}
