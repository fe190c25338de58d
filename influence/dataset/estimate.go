package dataset

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
)

// sampleBytes is how much of a text file EstimateRows reads.
const sampleBytes = 1 << 20

// EstimateRows returns the number of rows for a plan: from metadata where that
// tells, else from the lines of the first mebibyte of each file, which is exact
// only for files that end there. The result of an Arrow stream without a row
// count is its size over 8 bytes per column, a rough guess.
func (t *Table) EstimateRows(ctx context.Context) (n int64, exact bool, err error) {
	if n, known := t.Rows(); known {
		return n, true, nil
	}
	if !t.isText() {
		return t.bytes / int64(8*max(len(t.columns), 1)), false, nil
	}
	exact = true
	for _, path := range t.files {
		if err := ctx.Err(); err != nil {
			return 0, false, err
		}
		rows, whole, err := t.sampleRows(path)
		if err != nil {
			return 0, false, at(path, err)
		}
		n += rows
		exact = exact && whole
	}
	return n, exact, nil
}

// sampleRows counts the lines in the first sampleBytes of a file as it lies on
// disk and scales them to its size.
func (t *Table) sampleRows(path string) (rows int64, whole bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, false, err
	}
	defer closeInto(&err, f.Close)
	info, err := f.Stat()
	if err != nil {
		return 0, false, err
	}
	text, release, err := unpack(bufio.NewReader(io.LimitReader(f, sampleBytes)))
	if err != nil {
		return 0, false, err
	}
	defer release()
	buf := make([]byte, 1<<16)
	last := byte('\n')
	for {
		k, err := text.Read(buf)
		rows += int64(bytes.Count(buf[:k], []byte{'\n'}))
		if k > 0 {
			last = buf[k-1]
		}
		if err != nil {
			break // The sample of a packed file ends in the middle, which is no error here.
		}
	}
	whole = info.Size() <= sampleBytes
	if whole && last != '\n' {
		rows++
	}
	if t.kind != JSONL && rows > 0 {
		rows--
	}
	if !whole {
		rows = int64(float64(rows) * float64(info.Size()) / sampleBytes)
	}
	return rows, whole, nil
}
