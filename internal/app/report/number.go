package report

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// A Number is a float64 that JSON shows as null where it is not finite.
type Number float64

// MarshalJSON writes the shortest text that gives the same number, or null.
func (n Number) MarshalJSON() ([]byte, error) {
	v := float64(n)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return []byte("null"), nil
	}
	return json.Marshal(v)
}

// String writes the number with four digits for people, with a true minus.
func (n Number) String() string { return n.digits(4) }

func (n Number) digits(d int) string {
	v := float64(n)
	switch {
	case math.IsNaN(v):
		return "–"
	case v == 0:
		return "0"
	}
	s := strconv.FormatFloat(v, 'g', d, 64)
	if a := math.Abs(v); a >= 1e4 && a < 1e15 {
		s = grouped(int64(math.Round(v)))
	} else if a >= 1e-4 && a < 1e4 {
		s = strconv.FormatFloat(v, 'f', max(0, d-1-int(math.Floor(math.Log10(a)))), 64)
	}
	if mantissa, power, ok := strings.Cut(s, "e"); ok {
		s = mantissa + "·10" + superscript(strings.TrimPrefix(power, "+"))
	}
	return strings.Replace(s, "-", "−", 1)
}

// superscript raises a whole number without its leading zeros.
func superscript(s string) string {
	sign := ""
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		sign, s = "⁻", rest
	}
	return sign + raised.Replace(strings.TrimLeft(s, "0"))
}

var raised = strings.NewReplacer("0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴", "5", "⁵", "6", "⁶", "7", "⁷", "8", "⁸", "9", "⁹")

// Percent writes a share with at most one decimal.
func (n Number) Percent() string {
	v := 100 * float64(n)
	switch {
	case math.IsNaN(v):
		return "–"
	case v != 0 && math.Abs(v) < 0.1:
		return "< 0.1 %"
	case math.Abs(v) < 9.95:
		return strconv.FormatFloat(v, 'f', 1, 64) + " %"
	}
	return strconv.FormatFloat(v, 'f', 0, 64) + " %"
}

// Count writes a whole number with thousands apart.
func Count(n int64) string { return grouped(n) }

func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}
