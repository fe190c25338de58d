package dataset

import (
	"errors"
	"math"
)

// A LabelMap says how labels became numbers. It belongs in the record of a run,
// and its Classes in the Binding of the other table of the same run.
type LabelMap struct {
	From    LabelSource `json:"from"`
	Classes []string    `json:"classes,omitempty"` // label strings in order of their numbers
}

// A LabelSource says where the numbers of labels come from.
type LabelSource string

// The values of a LabelSource.
const (
	NoLabels       LabelSource = "none"    // no label column, or no label has been read yet
	NumericLabels  LabelSource = "numeric" // numbers as they are; bools as 0 and 1
	GivenClasses   LabelSource = "classes" // positions in Binding.Classes
	SortedClasses  LabelSource = "sorted"  // positions in the sorted list of the distinct strings
	maxLabelValues             = 65_536
)

// A labelDecoder reads labels, NaN where one is missing. The first label that
// is not missing decides whether all are numbers or classes.
type labelDecoder struct {
	out     []float64
	from    LabelSource
	classes []string
	numbers map[string]float64  // of the classes
	byValue map[float64]float64 // of the classes that are numbers
	collect func() ([]string, error)
}

func newLabelDecoder(out []float64, m LabelMap, collect func() ([]string, error)) *labelDecoder {
	d := &labelDecoder{out: out, from: m.From, collect: collect}
	d.setClasses(m.Classes)
	return d
}

func (d *labelDecoder) setClasses(classes []string) {
	d.classes = classes
	d.numbers = make(map[string]float64, len(classes))
	d.byValue = make(map[float64]float64)
	for i, c := range classes {
		d.numbers[c] = float64(i)
		if v, err := parseFloat(c); err == nil && !math.IsNaN(v) {
			d.byValue[v] = float64(i)
		}
	}
}

func (d *labelDecoder) cell(i int, c cell) error {
	if d.from == NoLabels {
		if err := d.decide(c); err != nil {
			return err
		}
	}
	v, err := d.number(c)
	d.out[i] = v
	return err
}

// decide looks at a label before any has been read.
func (d *labelDecoder) decide(c cell) error {
	if isMissing(c) {
		return nil
	}
	// A mistyped number is not the name of a class; number refuses it.
	if _, err := c.float(); err == nil || c.kind != textCell || hasDecimalComma(c.text) {
		d.from = NumericLabels
		return nil
	}
	classes, err := d.collect()
	if err != nil {
		return err
	}
	d.from = SortedClasses
	d.setClasses(classes)
	return nil
}

func (d *labelDecoder) number(c cell) (float64, error) {
	if d.from == GivenClasses || d.from == SortedClasses {
		return d.class(c)
	}
	v, err := c.float()
	var e *Error
	if errors.As(err, &e) && e.Hint == "" {
		e.hint("where labels are names of classes, list them with --classes A,B,…")
	}
	if err == nil && math.IsInf(v, 0) {
		err = problem("the label %s is not finite", formatFloat(v, 64))
	}
	return v, err
}

func (d *labelDecoder) class(c cell) (float64, error) {
	text := c.display()
	if i, ok := d.numbers[text]; ok && c.kind != missingCell {
		return i, nil
	}
	if isMissing(c) {
		return math.NaN(), nil
	}
	if v, err := c.float(); err == nil {
		if i, ok := d.byValue[v]; ok {
			return i, nil
		}
	}
	return 0, problem("the label %s is not one of the classes", quote(text)).hint("%s", nearestHint(text, d.classes))
}

func isMissing(c cell) bool {
	switch c.kind {
	case missingCell:
		return true
	case textCell:
		return missingWords[c.text]
	case numberCell:
		return math.IsNaN(c.number)
	}
	return false
}

// A valueCollector gathers the distinct strings of a label column.
type valueCollector struct{ values map[string]bool }

func (d *valueCollector) cell(_ int, c cell) error {
	if isMissing(c) || d.values[c.display()] {
		return nil
	}
	if len(d.values) == maxLabelValues {
		return problem("more than %d different labels that are no numbers", maxLabelValues)
	}
	d.values[c.display()] = true
	return nil
}
