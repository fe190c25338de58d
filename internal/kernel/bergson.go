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
// Its other kind, "normal", is [BergsonNormal].
func Bergson[F Float](identifier string, scale BergsonScale, m Matrix[F]) {
	m.check()
	divisor := m.Rows
	if scale == BergsonRowNorm {
		divisor = m.Cols // all signs are as long
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

// BergsonNormal fills m with the normal numbers that bergson draws for an identifier with
// projection_type "normal" on a CPU: those of torch.randn(rows, cols) in float32 by a
// generator with the seed that [Bergson] has, divided by what scale says.
//
// With [BergsonJL] they have the bits of torch 2.15 on x86 with AVX2 or AVX-512, where m
// has at least 16 numbers; fewer are made in float64 and have them but for one number in
// about 2²⁸. With [BergsonRowNorm] torch sums squares in an order that depends on its
// CPU, and numbers were up to 4 units in the last place apart. On a GPU, on other CPUs
// and in other types torch draws other numbers.
func BergsonNormal(identifier string, scale BergsonScale, m Matrix[float32]) {
	m.check()
	numbers := make([]float32, m.Rows*m.Cols)
	torchNormals(bergsonSeed(identifier), numbers)
	for i := range m.Rows {
		row := m.Row(i)
		copy(row, numbers[i*m.Cols:])
		divisor := math.Sqrt(float64(m.Rows))
		if scale == BergsonRowNorm {
			divisor = norm(row)
		}
		for j := range row {
			row[j] /= float32(divisor)
		}
	}
}

// norm is the length of a row.
func norm(row []float32) float64 {
	var sum float64
	for _, x := range row {
		sum += float64(float64(x) * float64(x))
	}
	return math.Sqrt(sum)
}

// bergsonSeed returns the seed of an identifier.
func bergsonSeed(identifier string) uint64 {
	digest := md5.Sum([]byte(identifier))
	return mathbits.Rem64(binary.BigEndian.Uint64(digest[:8]), binary.BigEndian.Uint64(digest[8:]), 1<<63-1)
}
