package lightgbm

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// integer covers the element types of integer tables.
type integer interface {
	~uint8 | ~int32 | ~uint32 | ~int64
}

// integers reads exactly n blank-separated integers of lo … hi.
func integers[T integer](text []byte, n int, lo, hi int64) ([]T, error) {
	if err := holds(text, n); err != nil {
		return nil, err
	}
	out := make([]T, n)
	rest := text
	for i := range out {
		var token []byte
		if token, rest = cutField(rest); len(token) == 0 {
			return nil, countError(text, n)
		}
		v, err := parseInt(token)
		if err != nil {
			return nil, err
		}
		if v < lo || v > hi {
			return nil, fmt.Errorf("number %d of the list is %d, outside %d … %d", i+1, v, lo, hi)
		}
		out[i] = T(v)
	}
	return out, atEnd(text, rest, n)
}

// floats reads exactly n blank-separated finite numbers.
func floats(text []byte, n int) ([]float64, error) {
	return floatsBy(parseFloat, text, n)
}

// thresholds reads exactly n blank-separated numbers, which may be infinite: a
// split that only parts missing values from the others has the threshold inf.
func thresholds(text []byte, n int) ([]float64, error) {
	return floatsBy(parseThreshold, text, n)
}

func floatsBy(parse func([]byte) (float64, error), text []byte, n int) ([]float64, error) {
	if err := holds(text, n); err != nil {
		return nil, err
	}
	out := make([]float64, n)
	rest := text
	for i := range out {
		var token []byte
		if token, rest = cutField(rest); len(token) == 0 {
			return nil, countError(text, n)
		}
		v, err := parse(token)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, atEnd(text, rest, n)
}

// holds reports whether text has room for n numbers: nothing is allocated on
// the word of a count alone.
func holds(text []byte, n int) error {
	if n > (len(text)+1)/2 {
		return countError(text, n)
	}
	return nil
}

func atEnd(text, rest []byte, n int) error {
	if token, _ := cutField(rest); len(token) > 0 {
		return countError(text, n)
	}
	return nil
}

func countError(text []byte, n int) error {
	return fmt.Errorf("%d numbers where %d are needed", countFields(text), n)
}

// cutField returns the first field of text and what follows it; the field is
// empty at the end.
func cutField(text []byte) (field, rest []byte) {
	for len(text) > 0 && text[0] == ' ' {
		text = text[1:]
	}
	if i := bytes.IndexByte(text, ' '); i >= 0 {
		return text[:i], text[i+1:]
	}
	return text, nil
}

func countFields(text []byte) int {
	n := 0
	for {
		var field []byte
		if field, text = cutField(text); len(field) == 0 {
			return n
		}
		n++
	}
}

// parseInt reads a decimal integer of at most 18 digits, which covers every
// number of the format and cannot overflow.
func parseInt(token []byte) (int64, error) {
	digits := bytes.TrimPrefix(token, []byte("-"))
	if len(digits) == 0 || len(digits) > 18 {
		return 0, notA("whole number in range", token)
	}
	var v int64
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, notA("whole number", token)
		}
		v = 10*v + int64(c-'0')
	}
	if len(digits) < len(token) {
		v = -v
	}
	return v, nil
}

func parseThreshold(token []byte) (float64, error) {
	switch string(token) {
	case "inf":
		return math.Inf(1), nil
	case "-inf":
		return math.Inf(-1), nil
	}
	return parseFloat(token)
}

// parseFloat reads a finite decimal number. The other notations of Go and C
// (hexadecimal, inf, nan) are errors.
func parseFloat(token []byte) (float64, error) {
	for _, c := range token {
		if (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E' {
			return 0, notA("finite number", token)
		}
	}
	v, err := strconv.ParseFloat(string(token), 64)
	if errors.Is(err, strconv.ErrRange) {
		return 0, notA("number in the range of float64", token)
	}
	if err != nil {
		return 0, notA("number", token)
	}
	return v, nil
}

// notA quotes the beginning of token, which may be as long as a line.
func notA(what string, token []byte) error {
	if len(token) > 40 {
		return fmt.Errorf("%q… is not a %s", token[:40], what)
	}
	return fmt.Errorf("%q is not a %s", token, what)
}
