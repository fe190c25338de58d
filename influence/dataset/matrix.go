package dataset

import (
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
)

// Kinds of files that only [OpenMatrix] reads, beside [Npy], [Arrow] and [Parquet].
const (
	Safetensors Kind = "safetensors"
	Raw         Kind = "raw"
)

// A Dtype is the type of a matrix's values, all little-endian.
type Dtype string

// The dtypes that a matrix may have.
const (
	Float64  Dtype = "float64"
	Float32  Dtype = "float32"
	Float16  Dtype = "float16"
	BFloat16 Dtype = "bfloat16"

	// Int8 are whole numbers, which mean something with the scales of a [Block] only.
	// No kind of file but [Raw] has them.
	Int8 Dtype = "int8"
)

// Bytes returns the size of a value, or 0 for a dtype that is not known.
func (d Dtype) Bytes() int64 {
	switch d {
	case Float64:
		return 8
	case Float32:
		return 4
	case Float16, BFloat16:
		return 2
	case Int8:
		return 1
	}
	return 0
}

// A RawMatrix says what a file without a header holds: Rows × Cols values in rows,
// from byte Offset to the end of the file.
type RawMatrix struct {
	Dtype      Dtype
	Rows, Cols int64
	Offset     int64
}

// MatrixOptions say how a matrix is read. The zero value is the default.
type MatrixOptions struct {
	// Name is the tensor of a safetensors file, or the column of vectors of an Arrow
	// or Parquet file. It may be empty where the file holds one only.
	Name string

	// Raw is set for files without a header.
	Raw *RawMatrix

	// BlockRows is the number of rows of a [Block]. 0 means what fills BlockBytes, and
	// that means 4 MiB where it is 0.
	BlockRows  int
	BlockBytes int64

	// Read has files read where they would be mapped. A mapped file that somebody
	// shortens meanwhile, or whose disk fails, ends the process; a file that is read
	// gives an error.
	Read bool

	// Tmp is the folder of scratch files; empty means the system's.
	Tmp string
}

// A Matrix is a file of vectors, or several shards of one kind seen as one: Rows
// vectors of Cols numbers each. What lies in the file as rows of little-endian
// numbers is mapped and never copied. A Matrix may be used from several goroutines
// until it is closed.
type Matrix struct {
	path      string
	kind      Kind
	dtype     Dtype
	rows      int64
	cols      int
	files     []*matrixFile
	extents   []extent
	blockRows int
	notes     []string
}

// An extent is where consecutive rows of a matrix lie: one after the other from
// offset on, or column by column.
type extent struct {
	file        *matrixFile
	offset      int64
	first, rows int64
	byColumn    bool
}

// OpenMatrix opens a .npy, safetensors, Arrow, Parquet or raw file of vectors, or
// the shards that a glob matches, in order of name. It reads headers and metadata.
//
//	.npy         vectors and matrices of float16, float32 and float64
//	safetensors  one tensor of one or two dimensions; also bfloat16
//	Arrow IPC    a column FixedSizeList<float16|float32|float64> without nulls
//	Parquet      a column of lists of the same length; and lists of Arrow
//	raw          as [RawMatrix] says
//
// Parquet and compressed Arrow are unpacked once into a scratch file of the decoded
// size, which [Matrix.Close] removes; [Matrix.Notes] says so. Every error but those
// of a context is an [*Error].
func OpenMatrix(path string, opt MatrixOptions) (_ *Matrix, err error) {
	files, err := shards(path)
	if err != nil {
		return nil, at(path, err)
	}
	m := &Matrix{path: path}
	defer func() {
		if err != nil {
			err = at(path, errors.Join(err, m.Close()))
		}
	}()
	for i, file := range files {
		kind, err := matrixKind(file, opt)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			m.kind = kind
		} else if kind != m.kind {
			return nil, at(file, problem("is %s but the first shard %s is %s", kind, filepath.Base(files[0]), m.kind))
		}
		if err := m.addShard(file, opt); err != nil {
			return nil, at(file, err)
		}
	}
	m.sizeBlocks(opt)
	return m, nil
}

// sizeBlocks takes the number of rows of a block from the options.
func (m *Matrix) sizeBlocks(opt MatrixOptions) {
	if m.blockRows = opt.BlockRows; m.blockRows <= 0 {
		m.blockRows = m.rowsOfBytes(opt.BlockBytes)
	}
}

// rowsOfBytes returns the number of rows that fill a block of so many bytes; 0 means
// 4 MiB.
func (m *Matrix) rowsOfBytes(bytes int64) int {
	if bytes <= 0 {
		bytes = 4 << 20
	}
	return int(max(1, bytes/(int64(m.cols)*m.dtype.Bytes())))
}

// matrixKind tells the kind of a file of vectors.
func matrixKind(path string, opt MatrixOptions) (Kind, error) {
	switch {
	case opt.Raw != nil:
		return Raw, nil
	case strings.EqualFold(filepath.Ext(path), ".safetensors"):
		return Safetensors, nil
	}
	kind, err := kindOf(path)
	if err != nil {
		return "", err
	}
	switch kind {
	case Npy, Arrow, Parquet:
		return kind, nil
	}
	return "", at(path, problem("%s files hold no vectors", kind).hint("use .npy, .safetensors, .arrow, .parquet or a raw file"))
}

// addShard opens a file and appends what it holds.
func (m *Matrix) addShard(path string, opt MatrixOptions) error {
	file, err := openMatrixFile(path, opt.Read)
	if err != nil {
		return err
	}
	m.files = append(m.files, file)
	switch m.kind {
	case Npy:
		return m.addNPY(file)
	case Safetensors:
		return m.addTensor(file, opt.Name)
	case Raw:
		return m.addRaw(file, *opt.Raw)
	case Arrow:
		return m.addArrow(file, opt)
	}
	return m.addParquet(file, opt)
}

// add appends rows × cols values that lie at an offset of a file. It checks that
// they do, and that shards agree.
func (m *Matrix) add(file *matrixFile, d Dtype, rows, cols, offset int64, byColumn bool) error {
	switch {
	case d.Bytes() == 0:
		return problem("values of type %s are no floating-point numbers", quote(string(d))).hint("save them as float16, float32 or float64")
	case rows < 0 || cols < 0 || offset < 0:
		return problem("%d rows of %d numbers at byte %d are not possible", rows, cols, offset)
	case cols == 0:
		return problem("vectors of no numbers")
	case cols > math.MaxInt/16 || rows > math.MaxInt64/16/cols:
		return problem("%d rows of %d numbers are too many", rows, cols)
	case m.dtype != "" && (m.dtype != d || int64(m.cols) != cols):
		return problem("has rows of %d %s, the first shard has rows of %d %s", cols, d, m.cols, m.dtype)
	}
	if need := rows * cols * d.Bytes(); need > file.size-offset {
		return problem("the file is cut short: %d rows of %d %s need %d bytes, it has %d", rows, cols, d, need, max(0, file.size-offset))
	}
	m.dtype, m.cols = d, int(cols)
	if rows > 0 {
		m.extents = append(m.extents, extent{file, offset, m.rows, rows, byColumn})
		m.rows += rows
	}
	return nil
}

// addRaw appends a file without a header.
func (m *Matrix) addRaw(file *matrixFile, raw RawMatrix) error {
	if err := m.add(file, raw.Dtype, raw.Rows, raw.Cols, raw.Offset, false); err != nil {
		return err
	}
	if more := file.size - raw.Offset - raw.Rows*raw.Cols*raw.Dtype.Bytes(); more > 0 {
		return problem("the file has %d bytes more than %d rows of %d %s need", more, raw.Rows, raw.Cols, raw.Dtype)
	}
	return nil
}

// addNPY appends a .npy file.
func (m *Matrix) addNPY(file *matrixFile) error {
	n, err := OpenNPY(file.Name())
	if err != nil {
		return err
	}
	if err := n.Close(); err != nil {
		return err
	}
	rows, cols, err := vectors(n.Shape)
	if err != nil {
		return err
	}
	d := map[string]Dtype{"<f8": Float64, "<f4": Float32, "<f2": Float16}[n.Dtype]
	if d == "" {
		d = Dtype(n.Dtype)
	}
	return m.add(file, d, rows, cols, n.Offset, n.Fortran && rows > 1 && cols > 1)
}

// vectors reads a shape as rows and columns; one dimension is a column.
func vectors(shape []int64) (rows, cols int64, err error) {
	switch len(shape) {
	case 1:
		return shape[0], 1, nil
	case 2:
		return shape[0], shape[1], nil
	}
	return 0, 0, problem("an array of shape %v is no matrix", shape).hint("use one dimension or two")
}

// Path returns the path or glob that the matrix was opened with.
func (m *Matrix) Path() string { return m.path }

// Kind returns the kind of the files.
func (m *Matrix) Kind() Kind { return m.kind }

// Dtype returns the type of the values.
func (m *Matrix) Dtype() Dtype { return m.dtype }

// Rows returns the number of vectors in all shards.
func (m *Matrix) Rows() int64 { return m.rows }

// Cols returns the length of a vector.
func (m *Matrix) Cols() int { return m.cols }

// Bytes returns the size of all values.
func (m *Matrix) Bytes() int64 { return m.rows * int64(m.cols) * m.dtype.Bytes() }

// Notes says what a user should know of how the matrix is read: that a file was
// unpacked into a scratch file, and how to avoid it.
func (m *Matrix) Notes() []string { return slices.Clone(m.notes) }

// Close unmaps and closes the files and removes scratch files. Blocks must not be
// used after it. It is safe to call it twice.
func (m *Matrix) Close() error {
	var errs []error
	for _, f := range m.files {
		errs = append(errs, f.close())
	}
	m.files, m.extents = nil, nil
	return errors.Join(errs...)
}
