package dataset

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// A jsonScanner walks over the fields of one JSON object, each number as it is
// written, so that no digit is lost.
type jsonScanner struct {
	line []byte
	pos  int
}

// object calls field for each member of the object that makes up the line.
// The name is valid until the next call.
func (s *jsonScanner) object(field func(name []byte, c cell) error) error {
	s.space()
	if !s.take('{') {
		return s.bad("an object")
	}
	s.space()
	if s.take('}') {
		return s.end()
	}
	for {
		s.space()
		name, err := s.str()
		if err != nil {
			return err
		}
		s.space()
		if !s.take(':') {
			return s.bad("':'")
		}
		s.space()
		value, err := s.value()
		if err != nil {
			return err
		}
		if err := field(name, value); err != nil {
			return err
		}
		s.space()
		switch {
		case s.take('}'):
			return s.end()
		case !s.take(','):
			return s.bad("',' or '}'")
		}
	}
}

func (s *jsonScanner) end() error {
	s.space()
	if s.pos < len(s.line) {
		return s.bad("the end of the line")
	}
	return nil
}

func (s *jsonScanner) bad(want string) *Error {
	if s.pos >= len(s.line) {
		return problem("is not valid JSON: the line ends where %s is expected", want).hint("write one object per line")
	}
	r, _ := utf8.DecodeRune(s.line[s.pos:])
	return problem("is not valid JSON: %q at byte %d where %s is expected", r, s.pos+1, want).hint("write one object per line")
}

func (s *jsonScanner) space() {
	for s.pos < len(s.line) {
		switch s.line[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}

func (s *jsonScanner) take(b byte) bool {
	if s.pos < len(s.line) && s.line[s.pos] == b {
		s.pos++
		return true
	}
	return false
}

// str reads a string. Without escapes it is a part of the line.
func (s *jsonScanner) str() ([]byte, error) {
	start := s.pos
	if !s.take('"') {
		return nil, s.bad("a string")
	}
	plain := true
	for s.pos < len(s.line) {
		switch b := s.line[s.pos]; {
		case b == '"':
			s.pos++
			if plain {
				return s.line[start+1 : s.pos-1], nil
			}
			var text string
			if err := json.Unmarshal(s.line[start:s.pos], &text); err != nil {
				return nil, problem("is not valid JSON: %v", err)
			}
			return []byte(text), nil
		case b == '\\':
			plain = false
			s.pos += 2
		case b < ' ':
			return nil, s.bad("a string without control characters")
		default:
			plain = plain && b < utf8.RuneSelf
			s.pos++
		}
	}
	s.pos = len(s.line)
	return nil, s.bad("a closing quote")
}

// value reads any value. An array or object becomes its JSON text.
func (s *jsonScanner) value() (cell, error) {
	if s.pos >= len(s.line) {
		return cell{}, s.bad("a value")
	}
	switch b := s.line[s.pos]; {
	case b == '"':
		text, err := s.str()
		return cell{kind: textCell, text: string(text)}, err
	case b == '-' || b >= '0' && b <= '9':
		return s.number()
	case b == '[' || b == '{':
		return s.nested()
	}
	for word, c := range map[string]cell{"null": {}, "true": {kind: boolCell, truth: true}, "false": {kind: boolCell}} {
		if bytes.HasPrefix(s.line[s.pos:], []byte(word)) {
			s.pos += len(word)
			return c, nil
		}
	}
	return cell{}, s.bad("a value")
}

func (s *jsonScanner) number() (cell, error) {
	start := s.pos
	s.take('-')
	if !s.take('0') && !s.digits() {
		return cell{}, s.bad("a digit")
	}
	if s.take('.') && !s.digits() {
		return cell{}, s.bad("a digit")
	}
	if s.take('e') || s.take('E') {
		if !s.take('+') {
			s.take('-')
		}
		if !s.digits() {
			return cell{}, s.bad("a digit")
		}
	}
	return cell{kind: jsonNumber, text: string(s.line[start:s.pos])}, nil
}

// digits passes over one or more digits.
func (s *jsonScanner) digits() bool {
	start := s.pos
	for s.pos < len(s.line) && s.line[s.pos] >= '0' && s.line[s.pos] <= '9' {
		s.pos++
	}
	return s.pos > start
}

func (s *jsonScanner) nested() (cell, error) {
	d := json.NewDecoder(bytes.NewReader(s.line[s.pos:]))
	var raw json.RawMessage
	if err := d.Decode(&raw); err != nil {
		return cell{}, problem("is not valid JSON: %v", err).hint("write one object per line")
	}
	s.pos += int(d.InputOffset())
	return cell{kind: nestedCell, text: string(raw)}, nil
}
