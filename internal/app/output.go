package app

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Formats are the values of --format.
var Formats = []string{"table", "json", "jsonl", "csv", "md"}

// A Table is what a command prints: records with the same fields. Values are
// strings, numbers, bools, nil, or anything that JSON can hold.
type Table struct {
	Fields []string
	Rows   [][]any
}

// Add appends a record.
func (t *Table) Add(values ...any) { t.Rows = append(t.Rows, values) }

// Pick returns the table with the given fields only, in their order.
func (t *Table) Pick(fields []string) (*Table, error) {
	if len(fields) == 0 {
		return t, nil
	}
	idx := make([]int, len(fields))
	for i, f := range fields {
		if idx[i] = slices.Index(t.Fields, f); idx[i] < 0 {
			return nil, fmt.Errorf("field %q is not printed here; %s", f, suggest(f, t.Fields))
		}
	}
	out := &Table{Fields: fields}
	for _, r := range t.Rows {
		row := make([]any, len(idx))
		for i, j := range idx {
			row[i] = r[j]
		}
		out.Rows = append(out.Rows, row)
	}
	return out, nil
}

// Output says how records are printed.
type Output struct {
	Format string   // "" means table on a terminal, else jsonl
	Fields []string // of --json; implies jsonl unless Format is given
}

// resolve returns the format for a stream.
func (o Output) resolve(s Streams) string {
	switch {
	case o.Format != "":
		return o.Format
	case len(o.Fields) == 0 && s.OutTTY:
		return "table"
	}
	return "jsonl"
}

// Validate returns an error for a format that does not exist.
func (o Output) Validate() error {
	if o.Format != "" && !slices.Contains(Formats, o.Format) {
		return fmt.Errorf("format %q is not known; %s", o.Format, suggest(o.Format, Formats))
	}
	return nil
}

// Print writes the table to s.Out.
func (o Output) Print(s Streams, t *Table) error {
	t, err := t.Pick(o.Fields)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	switch o.resolve(s) {
	case "json":
		err = writeJSON(&b, t)
	case "jsonl":
		err = writeJSONL(&b, t)
	case "csv":
		err = writeCSV(&b, t)
	case "md":
		writeMarkdown(&b, t)
	default:
		writeText(&b, t)
	}
	if err != nil {
		return err
	}
	_, err = s.Out.Write(b.Bytes())
	return err
}

// record writes one row as a JSON object with its fields in order.
func record(fields []string, row []any) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range fields {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(f)
		if err != nil {
			return nil, err
		}
		v, err := marshal(row[i])
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(v)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

func writeJSON(w io.Writer, t *Table) error {
	var b bytes.Buffer
	b.WriteByte('[')
	for i, r := range t.Rows {
		if i > 0 {
			b.WriteByte(',')
		}
		rec, err := record(t.Fields, r)
		if err != nil {
			return err
		}
		b.Write(rec)
	}
	b.WriteByte(']')
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, b.Bytes(), "", "  "); err != nil {
		return err
	}
	pretty.WriteByte('\n')
	_, err := w.Write(pretty.Bytes())
	return err
}

func writeJSONL(w io.Writer, t *Table) error {
	for _, r := range t.Rows {
		rec, err := record(t.Fields, r)
		if err != nil {
			return err
		}
		if _, err := w.Write(append(rec, '\n')); err != nil {
			return err
		}
	}
	return nil
}

func writeCSV(w io.Writer, t *Table) error {
	c := csv.NewWriter(w)
	rows := [][]string{t.Fields}
	for _, r := range t.Rows {
		rows = append(rows, texts(r, false))
	}
	if err := c.WriteAll(rows); err != nil {
		return err
	}
	return c.Error()
}

func writeMarkdown(b *bytes.Buffer, t *Table) {
	escape := strings.NewReplacer("|", `\|`, "\n", " ")
	line := func(cells []string) {
		b.WriteByte('|')
		for _, c := range cells {
			fmt.Fprintf(b, " %s |", escape.Replace(c))
		}
		b.WriteByte('\n')
	}
	line(t.Fields)
	rule := make([]string, len(t.Fields))
	for i := range rule {
		rule[i] = "---"
	}
	line(rule)
	for _, r := range t.Rows {
		line(texts(r, true))
	}
}

// writeText aligns columns for a terminal; numbers to the right.
func writeText(b *bytes.Buffer, t *Table) {
	cells := [][]string{t.Fields}
	right := make([]bool, len(t.Fields))
	for i := range right {
		right[i] = len(t.Rows) > 0
	}
	for _, r := range t.Rows {
		cells = append(cells, texts(r, true))
		for i, v := range r {
			switch v.(type) {
			case int, int32, int64, uint64, float32, float64:
			default:
				right[i] = false
			}
		}
	}
	width := make([]int, len(t.Fields))
	for _, r := range cells {
		for i, c := range r {
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	for _, r := range cells {
		var line strings.Builder
		for i, c := range r {
			if i > 0 {
				line.WriteString("  ")
			}
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(c))
			if right[i] {
				line.WriteString(pad + c)
			} else {
				line.WriteString(c + pad)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " "))
		b.WriteByte('\n')
	}
}

// texts writes values as text; short rounds numbers for people.
func texts(row []any, short bool) []string {
	out := make([]string, len(row))
	for i, v := range row {
		out[i] = cellText(v, short)
	}
	return out
}

func cellText(v any, short bool) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		if short {
			return strconv.FormatFloat(v, 'g', 5, 64)
		}
		return strconv.FormatFloat(v, 'g', -1, 64)
	case float32:
		return cellText(float64(v), short)
	case []string:
		return strings.Join(v, ", ")
	case fmt.Stringer:
		return v.String()
	}
	if b, err := marshal(v); err == nil {
		return strings.Trim(string(b), `"`)
	}
	return fmt.Sprint(v)
}
