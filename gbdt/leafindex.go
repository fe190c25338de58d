package gbdt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"github.com/infl-dev/infl/internal/parallel"
)

const blockRows = parallel.BlockRows

// A leafIndex holds the leaf of n rows in every tree, in blocks of 4,096 rows;
// inside a block tree by tree. A leaf takes 1, 2 or 4 bytes. Blocks are in
// memory, or in a file where that would be too much.
type leafIndex struct {
	trees  int
	width  int
	rows   int64
	blocks [][]byte // nil entries and file set: the block is in the file
	file   *os.File
	named  bool // the file still has a name
}

// leafWidth returns the bytes that a leaf number of the forest needs.
func leafWidth(f *Forest) int {
	most := 0
	for i := range f.Trees {
		most = max(most, f.Trees[i].Leaves())
	}
	switch {
	case most <= 1<<8:
		return 1
	case most <= 1<<16:
		return 2
	}
	return 4
}

// newLeafIndex makes an empty index; with spill, blocks go to a file in the
// folder tmp, "" for the system's.
func newLeafIndex(trees, width int, spill bool, tmp string) (*leafIndex, error) {
	x := &leafIndex{trees: trees, width: width}
	if spill {
		f, err := os.CreateTemp(tmp, "infl-leaves-*")
		if err != nil {
			return nil, scratchError(err)
		}
		x.file = f
		// Where an open file can lose its name, nothing is left of it after a
		// kill; elsewhere close removes it.
		x.named = os.Remove(f.Name()) != nil
	}
	return x, nil
}

func scratchError(err error) error {
	return fmt.Errorf("scratch file for the leaf index: %w; name another folder with --tmp", err)
}

func (x *leafIndex) close() error {
	if x.file == nil {
		return nil
	}
	err := x.file.Close()
	if x.named {
		err = errors.Join(err, os.Remove(x.file.Name()))
	}
	x.file = nil
	return err
}

func (x *leafIndex) numBlocks() int { return int((x.rows + blockRows - 1) / blockRows) }

// blockLen returns the number of rows in block b.
func (x *leafIndex) blockLen(b int) int { return int(min(blockRows, x.rows-int64(b)*blockRows)) }

// newBlock returns an empty block of m ≤ 4,096 rows for put and append.
func (x *leafIndex) newBlock(m int) leafBlock {
	return leafBlock{x: x, m: m, data: make([]byte, x.trees*m*x.width)}
}

// A leafBlock is a block on its way into the index.
type leafBlock struct {
	x    *leafIndex
	m    int
	data []byte
}

// put stores the leaves in tree u of the block's rows lo, lo+1, …
func (b leafBlock) put(u, lo int, leaves []uint32) {
	b.x.encode(b.data[(u*b.m+lo)*b.x.width:], leaves)
}

// append adds the next block; every block but the last has 4,096 rows.
func (x *leafIndex) append(b leafBlock) error {
	data := b.data
	if x.file != nil {
		at := int64(len(x.blocks)) * int64(x.trees*blockRows*x.width)
		if _, err := x.file.WriteAt(data, at); err != nil {
			return scratchError(err)
		}
		data = nil
	}
	x.blocks = append(x.blocks, data)
	x.rows += int64(b.m)
	return nil
}

func (x *leafIndex) encode(dst []byte, leaves []uint32) {
	switch x.width {
	case 1:
		for i, l := range leaves {
			dst[i] = byte(l)
		}
	case 2:
		for i, l := range leaves {
			binary.LittleEndian.PutUint16(dst[2*i:], uint16(l))
		}
	default:
		for i, l := range leaves {
			binary.LittleEndian.PutUint32(dst[4*i:], l)
		}
	}
}

// A leafReader reads blocks of a leafIndex, one at a time; each goroutine has
// its own.
type leafReader struct {
	x     *leafIndex
	block int
	data  []byte
	buf   []byte // backs data where the index is in a file

	base []float64 // the rows' own initial scores; nil where they have none
}

func (x *leafIndex) reader() *leafReader { return &leafReader{x: x, block: -1} }

// load makes b the current block.
func (r *leafReader) load(b int) error {
	if r.block == b {
		return nil
	}
	x := r.x
	if x.file == nil {
		r.data, r.block = x.blocks[b], b
		return nil
	}
	size := x.trees * x.blockLen(b) * x.width
	if cap(r.buf) < size {
		r.buf = make([]byte, size)
	}
	r.data = r.buf[:size]
	if _, err := x.file.ReadAt(r.data, int64(b)*int64(x.trees*blockRows*x.width)); err != nil {
		r.block = -1
		return scratchError(err)
	}
	r.block = b
	return nil
}

// addBase adds the own initial scores of rows lo, lo+1, … of the current block.
func (r *leafReader) addBase(lo int, f []float64) {
	if r.base == nil {
		return
	}
	first := r.block*blockRows + lo
	for i, b := range r.base[first : first+len(f)] {
		f[i] += b
	}
}

// leaves writes the leaves in tree u of rows lo, lo+1, … of the current block.
func (r *leafReader) leaves(u, lo int, dst []uint32) {
	m := r.x.blockLen(r.block)
	src := r.data[(u*m+lo)*r.x.width:]
	switch r.x.width {
	case 1:
		src = src[:len(dst)]
		for i := range dst {
			dst[i] = uint32(src[i])
		}
	case 2:
		for i := range dst {
			dst[i] = uint32(binary.LittleEndian.Uint16(src[2*i:]))
		}
	default:
		for i := range dst {
			dst[i] = binary.LittleEndian.Uint32(src[4*i:])
		}
	}
}
