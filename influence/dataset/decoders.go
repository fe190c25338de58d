package dataset

import (
	"errors"
	"math"
	"slices"
)

// A numberDecoder reads numbers. Check refuses values that a role cannot have;
// a feature has no check.
type numberDecoder struct {
	out         []float64
	check       func(v float64) error
	categorical bool // for the hint where text stands in place of a code
}

func (d *numberDecoder) cell(i int, c cell) error {
	v, err := c.float()
	if err != nil {
		var e *Error
		if d.categorical && c.kind == textCell && errors.As(err, &e) {
			e.hint("give --categories FILE, a JSON object {column: [values in order of their codes]}")
		}
		return err
	}
	if d.check != nil {
		if err := d.check(v); err != nil {
			return err
		}
	}
	d.out[i] = v
	return nil
}

func checkWeight(v float64) error {
	switch {
	case math.IsNaN(v):
		return problem("the weight is missing")
	case math.IsInf(v, 0), v < 0:
		return problem("the weight %s is not a finite number from 0 on", formatFloat(v, 64))
	}
	return nil
}

func checkBase(v float64) error {
	if math.IsNaN(v) {
		return problem("the base is missing")
	}
	return checkFinite(v)
}

func checkFinite(v float64) error {
	if math.IsInf(v, 0) {
		return problem("the value %s is not finite", formatFloat(v, 64))
	}
	return nil
}

// A textDecoder delivers cells as text.
type textDecoder struct{ out []string }

func (d *textDecoder) cell(i int, c cell) error {
	d.out[i] = c.display()
	return nil
}

// A categoryDecoder delivers the codes of categories and counts the values
// that are none.
type categoryDecoder struct {
	out        []float64
	categories *categories
	unseen     int64
}

// Unseen is the code of a value that is not among a feature's categories.
const Unseen = -1

func (d *categoryDecoder) cell(i int, c cell) error {
	code := d.categories.code(c)
	if code == Unseen {
		d.unseen++
	}
	d.out[i] = code
	return nil
}

// categories maps values to codes. Numbers compare as numbers; a bool is equal
// to the numbers 1 and 0.
type categories struct {
	texts   map[string]float64
	numbers map[float64]float64
	truths  map[bool]float64
}

func newCategories(values []any) (*categories, *Error) {
	c := &categories{make(map[string]float64), make(map[float64]float64), make(map[bool]float64)}
	for i, v := range values {
		code := float64(i)
		var again bool
		switch v := v.(type) {
		case string:
			_, again = c.texts[v]
			c.texts[v] = code
		case float64:
			if math.IsNaN(v) {
				return nil, problem("category %d is NaN", i)
			}
			_, again = c.numbers[v]
			c.numbers[v] = code
		case bool:
			_, again = c.truths[v]
			c.truths[v] = code
		default:
			return nil, problem("category %d is a %T, not text, a number or a bool", i, v)
		}
		if again {
			return nil, problem("the category %v stands twice in the list", v)
		}
	}
	return c, nil
}

// code returns the code of a cell, NaN where it is missing, or Unseen.
func (c *categories) code(v cell) float64 {
	switch v.kind {
	case missingCell:
		return math.NaN()
	case textCell:
		return c.codeOfText(v.text)
	case boolCell:
		if code, ok := c.truths[v.truth]; ok {
			return code
		}
	case nestedCell:
		return Unseen
	}
	number, err := v.float()
	if err != nil {
		return Unseen
	}
	return c.codeOfNumber(number)
}

func (c *categories) codeOfText(s string) float64 {
	if code, ok := c.texts[s]; ok {
		return code
	}
	if missingWords[s] {
		return math.NaN()
	}
	if code, ok := c.truths[true]; ok && (s == "true" || s == "True" || s == "TRUE") {
		return code
	}
	if code, ok := c.truths[false]; ok && (s == "false" || s == "False" || s == "FALSE") {
		return code
	}
	if len(c.numbers) == 0 && len(c.truths) == 0 {
		return Unseen
	}
	number, err := parseFloat(s)
	if err != nil {
		return Unseen
	}
	return c.codeOfNumber(number)
}

func (c *categories) codeOfNumber(v float64) float64 {
	if math.IsNaN(v) {
		return v
	}
	if code, ok := c.numbers[v]; ok {
		return code
	}
	if code, ok := c.truths[v == 1]; ok && (v == 0 || v == 1) {
		return code
	}
	return Unseen
}

// sorted returns the distinct strings of a set in sorted order.
func sorted(set map[string]bool) []string {
	out := make([]string, 0, len(set))
	for s := range set {
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}
