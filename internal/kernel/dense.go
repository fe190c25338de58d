package kernel

import "math"

// A Dense is a random projection by a matrix of Size × d independent entries with
// mean 0 and variance 1/Size, for any d. Entry (i, j) is a function of the seed, i
// and j, so the matrix is nowhere held: blocks of it are made when they are needed.
// E⟨Px, Py⟩ = ⟨x, y⟩, with a variance of (‖x‖²·‖y‖² + ⟨x, y⟩²)/Size for entries of a
// normal distribution, and a little less for signs.
//
// It costs 2·Size·d operations per vector and the making of Size·d entries per
// [Dense.Project], about 1 ns for a sign and 25 ns for a normal number: prefer
// [Hadamard], which keeps inner products as well in one pass, unless independent
// entries are wanted. A Dense is a value and may be used from several goroutines.
type Dense struct {
	size   int
	stream counterStream
	normal bool
}

// NewRademacher returns the projection of a seed whose entries are ±1/√size. Sizes
// go from 1 to 2²⁴; another is a panic.
func NewRademacher(seed uint64, size int) Dense { return newDense(seed, size, forRademacher) }

// NewGaussian returns the projection of a seed whose entries are normal numbers
// over √size: the inverse of the normal distribution function at a random multiple
// of 2⁻⁵³, exact to float32 and with the same bits on every machine. Sizes go from 1
// to 2²⁴; another is a panic.
func NewGaussian(seed uint64, size int) Dense { return newDense(seed, size, forGaussian) }

func newDense(seed uint64, size, purpose int) Dense {
	if size < 1 || size > maxProjected {
		panic("kernel: the size of a projection is out of range")
	}
	return Dense{size, newCounterStream(seed, purpose), purpose == forGaussian}
}

// Size is the number of numbers that a vector becomes.
func (p Dense) Size() int { return p.size }

// Entries writes the block of the matrix that begins at a row and a column. It
// panics where rows lie beyond Size.
func (p Dense) Entries(row int, col int64, block Matrix[float32]) {
	block.check()
	if row < 0 || col < 0 || row+block.Rows > p.size {
		panic("kernel: entries beyond their projection")
	}
	for i := range block.Rows {
		if p.normal {
			p.normals(row+i, col, block.Row(i))
		} else {
			p.signs(row+i, col, block.Row(i))
		}
	}
}

// counter numbers what is drawn for a row: 2⁴⁰ numbers for each.
func counter(row int, at int64) uint64 { return uint64(row)<<40 + uint64(at) }

// signs writes entries of a row: bit j mod 64 of word ⌊j/64⌋ of the row is the sign of
// entry j.
func (p Dense) signs(row int, col int64, out []float32) {
	one := math.Float32bits(float32(1 / math.Sqrt(float64(p.size))))
	for len(out) > 0 {
		word := p.stream.at(counter(row, col/64)) >> uint(col%64)
		n := min(64-int(col%64), len(out))
		for j := range out[:n] {
			out[j] = math.Float32frombits(one | uint32(word)<<31)
			word >>= 1
		}
		out, col = out[n:], col+int64(n)
	}
}

// normals writes entries of a row: entry j is made of word j of the row.
func (p Dense) normals(row int, col int64, out []float32) {
	scale := 1 / math.Sqrt(float64(p.size))
	for j := range out {
		u := float64(p.stream.at(counter(row, col+int64(j)))>>11)*0x1p-53 + 0x1p-54
		out[j] = float32(NormalQuantile(u) * scale)
	}
}

// Project projects the rows of x (n × d) to the rows of out (n × Size), which must
// not overlap x. Entry (v, i) of out is one chain of fused multiply-adds over the
// numbers of vector v, so its bits depend on nothing else. At most workers goroutines
// run, all ended on return, with 256 KiB of entries each.
func (p Dense) Project(workers int, x, out Matrix[float32]) {
	out.check()
	for v := range out.Rows {
		clear(out.Row(v))
	}
	p.Add(workers, 0, x, out)
}

// Add adds the projection of a piece to out: row v of x holds the numbers from
// offset on of vector v. Pieces in ascending order give the bits of
// [Dense.Project].
func (p Dense) Add(workers int, offset int64, x, out Matrix[float32]) {
	x.check()
	out.check()
	if out.Rows != x.Rows || out.Cols != p.size || offset < 0 {
		panic("kernel: a result does not fit its projection")
	}
	const rows, cols = 128, 512
	scratch := make([][]float32, max(workers, 1))
	forBlocks(workers, (p.size+rows-1)/rows, func(worker, b int) {
		if scratch[worker] == nil {
			scratch[worker] = make([]float32, rows*cols)
		}
		first := b * rows
		m := min(rows, p.size-first)
		for at := 0; at < x.Cols; at += cols {
			k := min(cols, x.Cols-at)
			entries := MatrixOf(scratch[worker][:m*k], m, k)
			p.Entries(first, offset+int64(at), entries)
			GemmNT(1, x.Block(0, at, x.Rows, k), entries, out.Block(0, first, x.Rows, m))
		}
	})
}
