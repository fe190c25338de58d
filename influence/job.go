package influence

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Precision is the floating-point type of a whole scoring path.
type Precision uint8

const (
	Float32 Precision = iota // Float32 is the default.
	Float64                  // Float64 runs and writes everything in float64.
)

// Bytes returns the size of one score.
func (p Precision) Bytes() int64 {
	if p == Float64 {
		return 8
	}
	return 4
}

// String returns "float32" or "float64".
func (p Precision) String() string {
	if p == Float64 {
		return "float64"
	}
	return "float32"
}

// ParsePrecision reads "float32" or "float64".
func ParsePrecision(s string) (Precision, error) {
	switch s {
	case "float32":
		return Float32, nil
	case "float64":
		return Float64, nil
	}
	return 0, fmt.Errorf("precision %q is not known; use float32 or float64", s)
}

// A Kind is what of a query is influenced.
type Kind uint8

const (
	Loss        Kind = iota // Loss is the query's own loss; it needs the query's label.
	Margin                  // Margin is the raw output before the link function.
	Probability             // Probability is the output after the link function, for classifiers.
)

// String returns "loss", "margin" or "probability".
func (k Kind) String() string { return [...]string{"loss", "margin", "probability"}[k] }

// Values of Quantity.Output that are not an output's number.
const (
	Predicted = -1 // Predicted means: of the class that the model predicts for the query.
	Every     = -2 // Every means: one result for each output.
)

// A Quantity says what of the query is influenced. The zero value is the loss.
// Output is ignored for the loss; otherwise it is the number of an output,
// Predicted or Every.
type Quantity struct {
	Kind   Kind
	Output int
}

// String returns the quantity as it is written on the command line.
func (q Quantity) String() string {
	switch {
	case q.Kind == Loss, q.Output == Predicted:
		return q.Kind.String()
	case q.Output == Every:
		return q.Kind.String() + ":all"
	}
	return q.Kind.String() + ":" + strconv.Itoa(q.Output)
}

// ParseQuantity reads "loss", "margin", "margin:CLASS", "margin:all" and the
// same with "probability". A CLASS is looked up in classes, the model's class
// names in order of output; where that is empty it must be an output's number.
func ParseQuantity(s string, classes []string) (Quantity, error) {
	kind, class, hasClass := strings.Cut(s, ":")
	var q Quantity
	switch kind {
	case "loss":
		if hasClass {
			return q, fmt.Errorf("%q: the loss has no class; use loss, margin:%s or probability:%[2]s", s, class)
		}
		return q, nil
	case "margin":
		q.Kind = Margin
	case "probability":
		q.Kind = Probability
	default:
		return q, fmt.Errorf("quantity %q is not known; use loss, margin[:CLASS|:all] or probability[:CLASS|:all]", s)
	}
	q.Output = Predicted
	if !hasClass {
		return q, nil
	}
	if class == "all" {
		q.Output = Every
		return q, nil
	}
	for i, c := range classes {
		if c == class {
			q.Output = i
			return q, nil
		}
	}
	n, err := strconv.Atoi(class)
	if err != nil || n < 0 {
		if len(classes) > 0 {
			return q, fmt.Errorf("class %q is not one of the model's: %s", class, strings.Join(classes, ", "))
		}
		return q, fmt.Errorf("class %q is not a number of an output", class)
	}
	q.Output = n
	return q, nil
}

// A Job is what is asked of a [Scorer]: which rows on either side, of what, in
// which precision.
type Job struct {
	Train, Query Rows
	Of           Quantity
	Precision    Precision

	// Self asks for the influence of every train row on itself. Query is then
	// not used, and the layout has one query entry that stands for "itself".
	Self bool

	// Pools, where not nil, asks for the sum of the quantity over the query rows
	// of each pool. A scorer whose scores do not add up refuses it with an
	// UnsupportedError.
	Pools *Pools
}

// Validate lists everything that is wrong with the job for a scorer over n
// train rows and q query rows.
func (j Job) Validate(n, q int64) error {
	errs := []error{j.Train.Validate("train", n)}
	if !j.Self {
		errs = append(errs, j.Query.Validate("query", q))
	}
	if j.Of.Kind > Probability {
		errs = append(errs, fmt.Errorf("quantity %d is not known", j.Of.Kind))
	}
	if j.Of.Kind != Loss && j.Of.Output < Every {
		errs = append(errs, fmt.Errorf("output %d is not known", j.Of.Output))
	}
	if j.Pools != nil {
		errs = append(errs, j.Pools.validate(j))
	}
	if j.Precision > Float64 {
		errs = append(errs, fmt.Errorf("precision %d is not known", j.Precision))
	}
	return errors.Join(errs...)
}
