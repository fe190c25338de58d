package lightgbm

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxValue bounds the text of a value that is kept: the names of a very wide
// table, or the categories of a column.
const maxValue = 128 << 20

// A document reads JSON from a stream, a token at a time and never the whole.
// The caller leads: it opens the object or list that it wants and asks for more
// members, so the depth of the text costs no memory here.
type document struct {
	r      *bufio.Reader
	offset int64  // bytes taken
	start  int64  // first byte of the token at hand, from 1
	opened bool   // the last token opened an object or a list
	name   []byte // key last read
	token  []byte // text last kept
	limit  int    // longest text that is kept
	broken error  // of r
}

func newDocument(r *bufio.Reader) *document { return &document{r: r, limit: maxValue} }

// inner reads a text that was kept and is known to be JSON.
func inner(text []byte) *document {
	return newDocument(bufio.NewReaderSize(bytes.NewReader(text), 4096))
}

// take returns the next byte.
func (d *document) take() (byte, error) {
	c, err := d.r.ReadByte()
	if err == nil {
		d.offset++
		return c, nil
	}
	d.start = d.offset
	if errors.Is(err, io.EOF) {
		return 0, errors.New("the file ends inside the document; it is truncated")
	}
	d.broken = err
	return 0, err
}

// back returns a byte that was just taken.
func (d *document) back() error {
	d.offset--
	return d.r.UnreadByte()
}

// peek skips blanks and returns the first byte of the next token.
func (d *document) peek() (byte, error) {
	for {
		c, err := d.take()
		if err != nil {
			return 0, err
		}
		if !blank(c) {
			d.start = d.offset
			return c, d.back()
		}
	}
}

// open begins an object or a list.
func (d *document) open(bracket byte) error {
	if err := d.punctuation(bracket); err != nil {
		return err
	}
	d.opened = true
	return nil
}

// more reports whether the object or list has another member and goes there;
// otherwise it passes the closing bracket.
func (d *document) more(closing byte) (bool, error) {
	c, err := d.peek()
	if err != nil {
		return false, err
	}
	first := d.opened
	d.opened = false
	if c == closing {
		_, err := d.take()
		return false, err
	}
	if first {
		return true, nil
	}
	if c != ',' {
		return false, fmt.Errorf("%q where a comma or %q is due", c, closing)
	}
	_, err = d.take()
	return true, err
}

// key returns the name of a member, which the next call overwrites. The value
// is next.
func (d *document) key() ([]byte, error) {
	name, err := d.text()
	if err != nil {
		return nil, err
	}
	d.name = append(d.name[:0], name...)
	return d.name, d.punctuation(':')
}

func (d *document) punctuation(want byte) error {
	c, err := d.peek()
	if err != nil {
		return err
	}
	if c != want {
		return fmt.Errorf("%q where %q is due", c, want)
	}
	_, err = d.take()
	return err
}

// text returns a string; the next token overwrites it.
func (d *document) text() ([]byte, error) {
	c, err := d.peek()
	if err != nil {
		return nil, err
	}
	if c != '"' {
		return nil, fmt.Errorf("%q where a string is due", c)
	}
	d.token = d.token[:0]
	if err := d.passString(true); err != nil {
		return nil, err
	}
	if bytes.IndexByte(d.token, '\\') < 0 {
		return d.token[1 : len(d.token)-1], nil
	}
	var s string
	if err := json.Unmarshal(d.token, &s); err != nil {
		return nil, fmt.Errorf("%s is not a string of JSON", abridged(string(d.token)))
	}
	return []byte(s), nil
}

// word returns a number, true, false or null as it is written; the next token
// overwrites it.
func (d *document) word() ([]byte, error) {
	if _, err := d.peek(); err != nil {
		return nil, err
	}
	d.token = d.token[:0]
	if err := d.passWord(true); err != nil {
		return nil, err
	}
	return d.token, nil
}

// flag returns a bool.
func (d *document) flag() (bool, error) {
	word, err := d.word()
	if err != nil {
		return false, err
	}
	switch string(word) {
	case "true", "false":
		return word[0] == 't', nil
	}
	return false, notA("bool", word)
}

// number returns a finite number.
func (d *document) number() (float64, error) {
	word, err := d.word()
	if err != nil {
		return 0, err
	}
	return parseFloat(word)
}

// integer returns a whole number of lo … hi.
func (d *document) integer(lo, hi int64) (int64, error) {
	word, err := d.word()
	if err != nil {
		return 0, err
	}
	v, err := parseInt(word)
	if err == nil && (v < lo || v > hi) {
		return 0, fmt.Errorf("%d is outside %d … %d", v, lo, hi)
	}
	return v, err
}

// raw returns the text of a value, which must be JSON. It belongs to the caller.
func (d *document) raw() ([]byte, error) {
	if err := d.pass(true); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(d.token, new(json.RawMessage)); err != nil {
		return nil, fmt.Errorf("the value is not JSON: %w", err)
	}
	text := d.token
	d.token = nil
	return text, nil
}

// skip passes a value. It only counts brackets, so that any depth is as good as
// another.
func (d *document) skip() error { return d.pass(false) }

// pass passes a value of any kind; its text without blanks goes to token where
// keep says so.
func (d *document) pass(keep bool) error {
	d.token = d.token[:0]
	for depth := 0; ; {
		c, err := d.peek()
		if err != nil {
			return err
		}
		switch c {
		case '"':
			err = d.passString(keep)
		case '{', '[':
			depth++
			err = d.passByte(keep)
		case '}', ']':
			depth--
			err = d.passByte(keep)
		case ',', ':':
			err = d.passByte(keep)
		default:
			err = d.passWord(keep)
			// Two words without a comma must not become one.
			d.token = append(d.token, ' ')
		}
		if err != nil {
			return err
		}
		if depth == 0 {
			if c == ',' || c == ':' {
				return fmt.Errorf("%q where a value is due", c)
			}
			return nil
		}
		if depth < 0 {
			return fmt.Errorf("%q where a value is due", c)
		}
	}
}

func (d *document) passByte(keep bool) error {
	c, err := d.take()
	if err != nil {
		return err
	}
	return d.keep(c, keep)
}

func (d *document) passString(keep bool) error {
	for escaped, first := false, true; ; first = false {
		c, err := d.take()
		if err != nil {
			return err
		}
		if c < ' ' {
			return fmt.Errorf("byte %d, inside a string, is a control character", d.offset)
		}
		if err := d.keep(c, keep); err != nil {
			return err
		}
		if c == '"' && !escaped && !first {
			return nil
		}
		escaped = c == '\\' && !escaped
	}
}

// passWord passes bytes up to the next blank or mark; there is at least one.
func (d *document) passWord(keep bool) error {
	for n := 0; ; n++ {
		c, err := d.take()
		if err != nil {
			return err
		}
		if blank(c) || bytes.IndexByte([]byte(`,:[]{}"`), c) >= 0 {
			if n == 0 {
				return fmt.Errorf("%q where a value is due", c)
			}
			return d.back()
		}
		if err := d.keep(c, keep); err != nil {
			return err
		}
	}
}

func (d *document) keep(c byte, keep bool) error {
	if !keep {
		return nil
	}
	if len(d.token) == d.limit {
		return fmt.Errorf("the value is longer than %d bytes", d.limit)
	}
	d.token = append(d.token, c)
	return nil
}

// end checks that nothing but blanks follows.
func (d *document) end() error {
	_, err := d.peek()
	switch {
	case err == nil:
		return errors.New("more text follows the end of the document")
	case d.broken != nil:
		return err
	}
	return nil
}

func blank(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }
