package lightgbm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// readCategories reads the lists of category values: JSON, one list per column
// of pandas type category, or null.
func (p *parser) readCategories(text []byte) error {
	if p.lists != nil {
		return p.fail("pandas_categorical", "the key appears twice")
	}
	lists, err := categoryLists(text)
	if err != nil {
		return p.fail("pandas_categorical", "%v", err)
	}
	p.lists = lists
	return nil
}

// categoryLists reads a JSON list of lists of categories; it returns nil for
// null. The text is checked to be JSON first, so that the walk over it only has
// to tell brackets from values. A decoded JSON tree would be many times as
// large.
func categoryLists(text []byte) ([][]any, error) {
	if err := json.Unmarshal(text, new(json.RawMessage)); err != nil {
		return nil, fmt.Errorf("the line is not JSON: %w", err)
	}
	if string(bytes.TrimSpace(text)) == "null" {
		return nil, nil
	}
	// Each value but the last of a list is followed by a comma, so these
	// capacities suffice.
	lists := make([][]any, 0, bytes.Count(text, []byte("[")))
	values := make([]any, 0, bytes.Count(text, []byte(","))+1)
	depth, first := 0, 0
	for rest := skipSeparators(text); len(rest) > 0; rest = skipSeparators(rest) {
		switch {
		case rest[0] == '[' && depth < 2:
			depth, first, rest = depth+1, len(values), rest[1:]
		case rest[0] == ']':
			if depth == 2 {
				lists = append(lists, values[first:len(values):len(values)])
			}
			depth, rest = depth-1, rest[1:]
		case depth < 2:
			return nil, errors.New("the line is not a list of lists")
		default:
			token := scalar(rest)
			v, err := category(token)
			if err != nil {
				return nil, fmt.Errorf("value %d of list %d: %w", len(values)-first, len(lists), err)
			}
			values, rest = append(values, v), rest[len(token):]
		}
	}
	return lists, nil
}

func skipSeparators(text []byte) []byte { return bytes.TrimLeft(text, " \t\r\n,") }

// scalar returns the string, number or word at the start of valid JSON; of a
// list or an object, the bracket.
func scalar(text []byte) []byte {
	switch text[0] {
	case '[', '{':
		return text[:1]
	case '"':
		i := 1
		for ; text[i] != '"'; i++ {
			if text[i] == '\\' {
				i++
			}
		}
		return text[:i+1]
	}
	if i := bytes.IndexAny(text, " \t\r\n,]"); i >= 0 {
		return text[:i]
	}
	return text
}

// category reads a JSON value. An integer that float64 cannot hold would be
// mistaken for its neighbour, so it is an error.
func category(token []byte) (any, error) {
	switch c := token[0]; {
	case c == '"':
		if bytes.IndexByte(token, '\\') < 0 {
			return string(token[1 : len(token)-1]), nil
		}
		var s string
		err := json.Unmarshal(token, &s)
		return s, err
	case c == 't', c == 'f':
		return c == 't', nil
	case c == '-', '0' <= c && c <= '9':
		f, err := parseFloat(token)
		if err != nil {
			return nil, err
		}
		whole := !bytes.ContainsAny(token, ".eE")
		if whole && strconv.FormatFloat(f, 'f', 0, 64) != string(token) {
			return nil, notA("whole number that float64 can hold", token)
		}
		return f, nil
	}
	return nil, errors.New("it is neither a string nor a number nor a bool")
}
