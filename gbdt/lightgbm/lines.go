package lightgbm

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// maxLine bounds the length of a line. The longest real lines hold the names
// of a very wide table or the categories of a column.
const maxLine = 128 << 20

// bufferSize holds nearly every line of a real model.
const bufferSize = 256 << 10

// lines reads a text line by line and counts the lines.
type lines struct {
	r      *bufio.Reader
	number int    // of the line last returned, from 1
	limit  int    // longest line
	long   []byte // a line that is longer than the buffer of r
}

func newLines(r io.Reader) *lines {
	return &lines{r: bufio.NewReaderSize(r, bufferSize), limit: maxLine}
}

// next returns the next line without its end, or io.EOF. The bytes are valid
// until the next call.
func (l *lines) next() ([]byte, error) {
	l.number++
	line, err := l.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		l.long = l.long[:0]
		for errors.Is(err, bufio.ErrBufferFull) {
			l.long = append(l.long, line...)
			if len(l.long) > l.limit {
				return nil, fmt.Errorf("the line is longer than %d bytes", l.limit)
			}
			line, err = l.r.ReadSlice('\n')
		}
		l.long = append(l.long, line...)
		line = l.long
	}
	if err != nil && (!errors.Is(err, io.EOF) || len(line) == 0) {
		return nil, err
	}
	line = bytes.TrimSuffix(line, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	if i := bytes.IndexByte(line, 0); i >= 0 {
		return nil, fmt.Errorf("byte %d is NUL; the file is damaged or not a text", i+1)
	}
	return line, nil
}
