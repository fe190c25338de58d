package dataset

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/apache/arrow-go/v18/arrow"
)

// addUnpacked appends the vectors of a file that does not hold them as they are. It
// writes them to a scratch file, which is removed with the matrix.
func (m *Matrix) addUnpacked(file *matrixFile, opt MatrixOptions, why string, source func(path, wanted string, each func(arrow.Array) error) error) (err error) {
	path := file.Name()
	scratch, err := os.CreateTemp(opt.Tmp, "infl-matrix-*")
	if err != nil {
		return fmt.Errorf("scratch file for a matrix: %w", err)
	}
	unpacked := &matrixFile{File: scratch, scratch: true}
	m.files = append(m.files, unpacked)
	w := &vectorWriter{Writer: bufio.NewWriterSize(scratch, 1<<20)}
	if err := source(path, opt.Name, w.write); err != nil {
		return err
	}
	if w.rows == 0 {
		return problem("holds no vectors")
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("scratch file for a matrix: %w", err)
	}
	if err := unpacked.init(opt.Read); err != nil {
		return err
	}
	m.notes = append(m.notes, fmt.Sprintf("%s: was unpacked into a scratch file of %d bytes, because it is %s", path, unpacked.size, why))
	return m.add(unpacked, w.dtype, w.rows, w.cols, 0, false)
}

// A vectorWriter writes arrays of vectors of one length.
type vectorWriter struct {
	*bufio.Writer
	dtype      Dtype
	rows, cols int64
}

func (w *vectorWriter) write(a arrow.Array) error {
	values, cols, err := vectorsOf(a)
	if err != nil || a.Len() == 0 {
		return err
	}
	if w.rows > 0 && cols != w.cols {
		return problem("row %d has a vector of %d numbers, the rows before have %d", w.rows, cols, w.cols)
	}
	w.dtype, w.cols = vectorDtype(a.DataType()), cols
	w.rows += int64(a.Len())
	if _, err := w.Write(values); err != nil {
		return fmt.Errorf("scratch file for a matrix: %w", err)
	}
	return nil
}

// addParquet appends the vectors of a Parquet file.
func (m *Matrix) addParquet(file *matrixFile, opt MatrixOptions) error {
	return m.addUnpacked(file, opt, "Parquet; an uncompressed Arrow file or a .npy file is used as it is", parquetVectors)
}

// parquetVectors gives the arrays of vectors of a Parquet file, about 16 MiB at a
// time.
func parquetVectors(path, wanted string, each func(arrow.Array) error) (err error) {
	p, err := openParquet(path)
	if err != nil {
		return err
	}
	defer closeInto(&err, p.close)
	defer catch(path, "Parquet file", &err)
	column, err := vectorColumn(p.schema, wanted)
	if err != nil {
		return err
	}
	leaves := appendLeaves(nil, &p.Manifest.Fields[column])
	for g := range p.pages.NumRowGroups() {
		rows := p.pages.MetaData().RowGroup(g).NumRows()
		if err := p.eachBatch(g, rows, leaves, each); err != nil {
			return err
		}
	}
	return nil
}

// eachBatch gives the rows of one column of a row group in order.
func (p *parquetFile) eachBatch(group int, rows int64, leaves []int, each func(arrow.Array) error) error {
	reader := *p.FileReader
	reader.Props.BatchSize = max(1, min(rows, defaultWindowBytes/p.bytesPerRow(group, rows, leaves)))
	r, err := reader.GetRecordReader(context.Background(), leaves, []int{group})
	if err != nil {
		return invalidParquet(err)
	}
	defer r.Release()
	for r.Next() {
		a := r.RecordBatch().Column(0)
		if rows -= int64(a.Len()); rows < 0 {
			break
		}
		if err := each(a); err != nil {
			return err
		}
	}
	if err := r.Err(); err != nil && !errors.Is(err, io.EOF) {
		return invalidParquet(err)
	}
	if rows != 0 {
		return problem("is not a valid Parquet file: row group %d has other than its number of rows", group)
	}
	return nil
}
