package dataset

import (
	"encoding/csv"
	"errors"
	"io"
	"strings"
)

// delimited reads CSV and TSV: a header line, then a row per line. Quoting is
// that of RFC 4180; empty lines are passed over.
type delimited struct{ comma rune }

func (d delimited) open(path string) (*textFile, *csv.Reader, []string, error) {
	text, err := openText(path)
	if err != nil {
		return nil, nil, nil, err
	}
	r := csv.NewReader(text.Reader)
	r.Comma = d.comma
	r.ReuseRecord = true
	header, err := r.Read()
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = problem("is empty").hint("a table needs a header line")
		}
		return nil, nil, nil, errors.Join(csvError(err), text.close())
	}
	names := make([]string, len(header))
	for i, h := range header {
		names[i] = strings.Clone(h)
	}
	return text, r, names, nil
}

func (d delimited) schema(path string) ([]Column, int64, error) {
	text, _, names, err := d.open(path)
	if err != nil {
		return nil, 0, err
	}
	columns := make([]Column, len(names))
	for i, name := range names {
		columns[i] = Column{Name: name, Type: "text"}
	}
	return columns, -1, text.close()
}

func (d delimited) scan(path string, columns []Column, a *assembler) (err error) {
	text, r, names, err := d.open(path)
	if err != nil {
		return err
	}
	defer closeInto(&err, text.close)
	if len(names) != len(columns) {
		return problem("the header changed while the table was in use")
	}
	wanted := a.indices()
	row := make([]cell, len(wanted))
	for {
		text.source.record()
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return csvError(err)
		}
		for k, w := range wanted {
			row[k] = cell{kind: textCell, text: fields[w]}
		}
		if k, err := a.cells(row); err != nil {
			if k >= 0 {
				line, _ := r.FieldPos(wanted[k])
				return onLine(err, int64(line))
			}
			return err
		}
	}
}

// onLine names the line of an error.
func onLine(err error, line int64) error {
	var e *Error
	if errors.As(err, &e) && e.Line == 0 && e.Path == "" {
		e.Line = line
	}
	return err
}

// csvError says in a table's words what the CSV reader found.
func csvError(err error) error {
	var p *csv.ParseError
	if !errors.As(err, &p) {
		return err
	}
	e := problem("%v", p.Err)
	e.Line, e.Err = int64(p.Line), err
	switch {
	case errors.Is(p.Err, csv.ErrFieldCount):
		e.Problem = "the line has more or fewer fields than the header"
		e.hint("look for a separator or a decimal comma inside a field that is not quoted")
	case errors.Is(p.Err, csv.ErrQuote), errors.Is(p.Err, csv.ErrBareQuote):
		e.hint("quote the field and double the quotes inside it")
	}
	return e
}
