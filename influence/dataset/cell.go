package dataset

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// A cell is one value of a table before a role gives it a meaning.
type cell struct {
	kind    cellKind
	text    string  // of a textCell, jsonNumber or nestedCell
	number  float64 // numberCell
	short   bool    // the number is a float32
	integer int64   // integerCell
	truth   bool    // boolCell
}

type cellKind uint8

const (
	missingCell cellKind = iota
	textCell
	jsonNumber // a number as text, as JSON and decimals have it
	numberCell
	integerCell
	boolCell
	nestedCell // an array or object, as JSON
)

// missingWords are read as missing in a numeric column, and in a categorical
// one unless the word is a category.
var missingWords = map[string]bool{
	"": true, "NA": true, "N/A": true, "NaN": true, "nan": true, "null": true, "NULL": true, "None": true,
}

// display returns the cell as text: the shortest text that gives the same
// value, and the empty text where it is missing.
func (c cell) display() string {
	switch c.kind {
	case textCell, jsonNumber, nestedCell:
		return c.text
	case numberCell:
		if c.short {
			return formatFloat(c.number, 32)
		}
		return formatFloat(c.number, 64)
	case integerCell:
		return strconv.FormatInt(c.integer, 10)
	case boolCell:
		return strconv.FormatBool(c.truth)
	}
	return ""
}

// float returns the cell as a number, NaN where it is missing.
func (c cell) float() (float64, error) {
	switch c.kind {
	case textCell, jsonNumber:
		return parseFloat(c.text)
	case numberCell:
		return c.number, nil
	case integerCell:
		return float64(c.integer), nil
	case boolCell:
		return truthNumber(c.truth), nil
	case nestedCell:
		return 0, problem("holds an array or object, not a number")
	}
	return math.NaN(), nil
}

func truthNumber(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// parseFloat reads a decimal number, or a word for a missing one.
func parseFloat(s string) (float64, error) {
	if v, err := strconv.ParseFloat(s, 64); isGoLiteral(s) {
		return 0, problem("%s is not a number", quote(s))
	} else if err == nil {
		return v, nil
	} else if errors.Is(err, strconv.ErrRange) {
		return 0, problem("%s is beyond the range of float64", quote(s))
	}
	if missingWords[s] {
		return math.NaN(), nil
	}
	if trimmed := strings.TrimSpace(s); trimmed != s {
		return parseFloat(trimmed)
	}
	if hasDecimalComma(s) {
		return 0, problem("%s has a decimal comma", quote(s)).hint("write numbers with a point")
	}
	return 0, problem("%s is not a number", quote(s))
}

// hasDecimalComma reports text that is a number once its comma is a point.
func hasDecimalComma(s string) bool {
	plain := strings.Replace(s, ",", ".", 1)
	if plain == s {
		return false
	}
	_, err := strconv.ParseFloat(plain, 64)
	return err == nil
}

// isGoLiteral reports hexadecimal prefixes and underscores, which Go reads as
// numbers and no table means so.
func isGoLiteral(s string) bool {
	if strings.IndexByte(s, '_') >= 0 {
		return true
	}
	if s != "" && (s[0] == '-' || s[0] == '+') {
		s = s[1:]
	}
	return len(s) > 1 && s[0] == '0' && s[1]|0x20 == 'x'
}

// canonicalInt reads an int64 that is written as Go would print it.
func canonicalInt(s string) (int64, bool) {
	if len(s) == 0 || len(s) > 20 || s[0] == '+' {
		return 0, false
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil || len(s) > 1 && (s[0] == '0' || s[0] == '-' && s[1] == '0') {
		return 0, false
	}
	return v, true
}

// formatFloat prints plainly where that is short, else with an exponent.
func formatFloat(v float64, bits int) string {
	if math.IsNaN(v) {
		return ""
	}
	if a := math.Abs(v); a == 0 || a >= 1e-5 && a < 1e16 {
		return strconv.FormatFloat(v, 'f', -1, bits)
	}
	return strconv.FormatFloat(v, 'g', -1, bits)
}

// quote quotes a value for an error message and shortens a long one.
func quote(s string) string {
	const most = 60
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return strconv.Quote(s)
}
