package dataset

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/infl-dev/infl/internal/parallel"
)

// parquetFormat reads Parquet. A writer may have put all rows into one row
// group, and a reader that is open holds about four pages of a mebibyte; so a
// row group is read in windows of rows, in each of them column by column.
type parquetFormat struct {
	workers     int
	windowBytes int64 // 0 means the default
}

// A parquetFile is an open file.
type parquetFile struct {
	*pqarrow.FileReader
	pages  *file.Reader
	schema *arrow.Schema
	close  func() error
}

func openParquet(path string) (p *parquetFile, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	defer catch(path, "Parquet file", &err)
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	mem := allocatorFor(info.Size())
	props := parquet.NewReaderProperties(mem)
	props.BufferedStreamEnabled = true
	props.BufferSize = 64 << 10
	props.MaxCompressedPageSize = max(info.Size(), 1)
	pages, err := file.NewParquetReader(f, file.WithReadProps(props))
	if err != nil {
		return nil, invalidParquet(err)
	}
	// The Arrow schema that writers add to the footer would only turn text into
	// dictionaries, and its parser trusts the lengths that it finds.
	pages.MetaData().FileMetaData.KeyValueMetadata = nil
	reader, err := pqarrow.NewFileReader(pages, pqarrow.ArrowReadProperties{}, mem)
	if err != nil {
		return nil, invalidParquet(err)
	}
	schema, err := reader.Schema()
	if err != nil {
		return nil, invalidParquet(err)
	}
	return &parquetFile{reader, pages, schema, f.Close}, nil
}

func invalidParquet(err error) error {
	e := problem("is not a valid Parquet file, or is cut short: %v", err)
	e.Err = err
	return e
}

func (parquetFormat) schema(path string) ([]Column, int64, error) {
	p, err := openParquet(path)
	if err != nil {
		return nil, 0, err
	}
	rows := p.pages.NumRows()
	if rows < 0 {
		return nil, 0, errors.Join(problem("is not a valid Parquet file: %d rows", rows), p.close())
	}
	return columnsOf(p.schema), rows, p.close()
}

func (f parquetFormat) scan(path string, columns []Column, a *assembler) (err error) {
	p, err := openParquet(path)
	if err != nil {
		return err
	}
	defer closeInto(&err, p.close)
	if diff := schemaDiff(columns, columnsOf(p.schema)); diff != "" {
		return problem("changed while the table was in use: %s", diff)
	}
	rows := int64(0)
	for g := range p.pages.NumRowGroups() {
		if a.done() {
			return errStop
		}
		n := p.pages.MetaData().RowGroup(g).NumRows()
		rows += n
		if a.skip(n) {
			continue
		}
		if err := f.scanGroup(path, p, g, n, a); err != nil {
			return err
		}
	}
	if rows != p.pages.NumRows() {
		return problem("is not a valid Parquet file: %d rows in its row groups, %d in its footer", rows, p.pages.NumRows())
	}
	return nil
}

// scanGroup reads the rows of one row group, window after window.
func (f parquetFormat) scanGroup(path string, p *parquetFile, group int, rows int64, a *assembler) error {
	wanted := a.indices()
	leaves := make([][]int, len(wanted))
	rowBytes := int64(0)
	for k, w := range wanted {
		leaves[k] = appendLeaves(nil, &p.Manifest.Fields[w])
		rowBytes += p.bytesPerRow(group, rows, leaves[k])
	}
	if len(wanted) == 0 {
		return p.countRows(path, group, rows, a)
	}
	window := f.windowRows(rows, rowBytes)
	arrays := make([]arrow.Array, len(wanted))
	for lo := int64(0); lo < rows; lo += window {
		n := min(window, rows-lo)
		if a.skip(n) {
			continue
		}
		err := parallel.For(a.ctx, f.workers, len(wanted), func(_, k int) (err error) {
			arrays[k], err = p.column(a.ctx, path, group, leaves[k], lo, n)
			return err
		})
		if err != nil {
			return err
		}
		if err := a.arrays(path, arrays, int(n)); err != nil {
			return err
		}
		clear(arrays) // so that two windows are never alive together
	}
	return nil
}

// countRows passes on the rows of a row group of which no column is wanted,
// once it has seen that its first column begins and ends as the footer says.
func (p *parquetFile) countRows(path string, group int, rows int64, a *assembler) error {
	if rows == 0 {
		return nil
	}
	if len(p.Manifest.Fields) == 0 {
		return problem("is not a valid Parquet file: %d rows without columns", rows)
	}
	values, err := p.column(a.ctx, path, group, appendLeaves(nil, &p.Manifest.Fields[0]), rows-1, 1)
	if err != nil {
		return err
	}
	values.Release()
	return a.arrays(path, nil, int(rows))
}

const (
	defaultWindowBytes = 16 << 20
	minWindowRows      = 4 * BatchRows // below, most of a pass would go into seeking
)

// windowRows divides a row group into windows of like size that fill about
// windowBytes when decoded, a multiple of BatchRows.
func (f parquetFormat) windowRows(rows, rowBytes int64) int64 {
	budget := f.windowBytes
	if budget == 0 {
		budget = defaultWindowBytes
	}
	most := max(minWindowRows, budget/max(rowBytes, 1))
	windows := max(1, (rows+most-1)/most)
	each := (rows + windows - 1) / windows
	return max(1, (each+BatchRows-1)/BatchRows) * BatchRows
}

// bytesPerRow estimates the decoded size of a value.
func (p *parquetFile) bytesPerRow(group int, rows int64, leaves []int) int64 {
	bytes := int64(8)
	for _, leaf := range leaves {
		if chunk, err := p.pages.MetaData().RowGroup(group).ColumnChunk(leaf); err == nil && rows > 0 {
			bytes = max(bytes, chunk.TotalUncompressedSize()/rows)
		}
	}
	return bytes
}

func appendLeaves(leaves []int, f *pqarrow.SchemaField) []int {
	if len(f.Children) == 0 {
		return append(leaves, f.ColIndex)
	}
	for i := range f.Children {
		leaves = appendLeaves(leaves, &f.Children[i])
	}
	return leaves
}

// column reads rows lo … lo+n−1 of one column of a row group.
func (p *parquetFile) column(ctx context.Context, path string, group int, leaves []int, lo, n int64) (_ arrow.Array, err error) {
	defer catch(path, "Parquet file", &err)
	reader := *p.FileReader
	reader.Props.BatchSize = n
	r, err := reader.GetRecordReader(ctx, leaves, []int{group})
	if err != nil {
		return nil, invalidParquet(err)
	}
	defer r.Release()
	if lo > 0 {
		if err := r.SeekToRow(lo); err != nil {
			return nil, invalidParquet(err)
		}
	}
	if !r.Next() {
		err := r.Err()
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, invalidParquet(err)
	}
	values := r.RecordBatch().Column(0)
	if int64(values.Len()) != n {
		return nil, problem("is not a valid Parquet file: row group %d has %d values in a column where %d are expected", group, values.Len(), n)
	}
	values.Retain()
	return values, nil
}
