package dataset

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// jsonSampleLines is the number of lines whose members make up the columns of
// a JSONL table. Members that first appear later are passed over.
const jsonSampleLines = 1000

// jsonLines reads JSONL: an object per line; empty lines are passed over. A
// member that a line lacks is missing there.
type jsonLines struct{}

// each calls fn for every line that is not empty, with its number from 1.
func (jsonLines) each(path string, fn func(line []byte, number int64) error) (err error) {
	text, err := openText(path)
	if err != nil {
		return err
	}
	defer closeInto(&err, text.close)
	var line []byte
	for number := int64(1); ; number++ {
		text.source.record()
		var ends error
		line, ends = readLine(text.Reader, line[:0])
		if ends != nil && !errors.Is(ends, io.EOF) {
			return onLine(ends, number)
		}
		if len(bytes.TrimSpace(line)) > 0 {
			if err := fn(line, number); err != nil {
				return onLine(err, number)
			}
		}
		if ends != nil {
			return nil
		}
	}
}

// readLine appends the next line to buf; it returns io.EOF with the last one.
func readLine(r *bufio.Reader, buf []byte) ([]byte, error) {
	for {
		part, err := r.ReadSlice('\n')
		buf = append(buf, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return buf, err
		}
	}
}

func (f jsonLines) schema(path string) ([]Column, int64, error) {
	var columns []Column
	known := make(map[string]bool)
	lines := 0
	err := f.each(path, func(line []byte, _ int64) error {
		if lines++; lines > jsonSampleLines {
			return errStop
		}
		s := jsonScanner{line: line}
		return s.object(func(name []byte, _ cell) error {
			if !known[string(name)] {
				known[string(name)] = true
				columns = append(columns, Column{Name: string(name), Type: "text"})
			}
			return nil
		})
	})
	if errors.Is(err, errStop) {
		err = nil
	}
	return columns, -1, err
}

func (f jsonLines) scan(path string, columns []Column, a *assembler) error {
	type slot struct {
		wanted int   // position among the wanted columns, or −1
		line   int64 // the last line that had the member
	}
	slots := make(map[string]*slot, len(columns))
	for _, c := range columns {
		slots[c.Name] = &slot{wanted: -1}
	}
	for k, w := range a.indices() {
		slots[columns[w].Name].wanted = k
	}
	row := make([]cell, len(a.columns))
	return f.each(path, func(line []byte, number int64) error {
		clear(row)
		s := jsonScanner{line: line}
		err := s.object(func(name []byte, c cell) error {
			slot := slots[string(name)]
			if slot == nil {
				return nil
			}
			if slot.line == number {
				e := problem("stands twice in one object")
				e.Column = string(name)
				return e
			}
			slot.line = number
			if slot.wanted >= 0 {
				row[slot.wanted] = c
			}
			return nil
		})
		if err != nil {
			return err
		}
		_, err = a.cells(row)
		return err
	})
}
