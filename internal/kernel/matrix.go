package kernel

// A Matrix is a row-major view of numbers that somebody else owns: element
// (i, j) is Data[i·Stride + j]. Between the rows may lie other numbers
// (Stride > Cols), which kernels neither read nor write. A Matrix without rows
// or columns needs no Data. Copies share their numbers.
type Matrix[F Float] struct {
	Data               []F
	Rows, Cols, Stride int
}

// NewMatrix returns a matrix of zeros whose rows follow each other, in huge pages
// where it is large and the system has such.
func NewMatrix[F Float](rows, cols int) Matrix[F] {
	return Matrix[F]{Data: hugeSlice[F](rows * cols), Rows: rows, Cols: cols, Stride: cols}
}

// MatrixOf returns the view of data as rows × cols numbers without gaps. It
// panics where data has another length.
func MatrixOf[F Float](data []F, rows, cols int) Matrix[F] {
	if len(data) != rows*cols {
		panic("kernel: the numbers do not fill the matrix")
	}
	return Matrix[F]{Data: data, Rows: rows, Cols: cols, Stride: cols}
}

// At returns element (i, j).
func (m Matrix[F]) At(i, j int) F { return m.Data[i*m.Stride+j] }

// Row returns row i; writing to it changes the matrix.
func (m Matrix[F]) Row(i int) []F { return m.Data[i*m.Stride:][:m.Cols:m.Cols] }

// Block returns the view of rows [row, row+rows) and columns [col, col+cols).
func (m Matrix[F]) Block(row, col, rows, cols int) Matrix[F] {
	if row < 0 || col < 0 || rows < 0 || cols < 0 || row+rows > m.Rows || col+cols > m.Cols {
		panic("kernel: a block beyond its matrix")
	}
	b := Matrix[F]{Rows: rows, Cols: cols, Stride: m.Stride}
	if rows > 0 && cols > 0 {
		first := row*m.Stride + col
		end := first + (rows-1)*m.Stride + cols
		b.Data = m.Data[first:end:end]
	}
	return b
}

// check panics where the view is no matrix: the vector forms do not look.
func (m *Matrix[F]) check() { checkView(len(m.Data), m.Rows, m.Cols, m.Stride) }

func checkView(numbers, rows, cols, stride int) {
	if rows < 0 || cols < 0 ||
		rows > 0 && cols > 0 && (numbers < (rows-1)*stride+cols || rows > 1 && stride < cols) {
		panic("kernel: a matrix of negative size, or longer than its numbers, or of overlapping rows")
	}
}
