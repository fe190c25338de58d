package model

import (
	"errors"
	"fmt"
	"math"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/kernel"
)

// Data are examples in memory. Neither Fit nor a model changes them or keeps them.
type Data struct {
	// X are the features, n × d, row after row; finite.
	X []float64

	// Y are the labels, n: numbers, or classes 0 … K−1.
	Y []float64

	// Features are the names of the d features; nil gives them numbers.
	Features []string

	// Classes are the names of the K classes; nil where labels are numbers, or
	// where the classes have no names.
	Classes []string

	// Keys name the rows; nil means 0 … n−1.
	Keys *dataset.Keys

	// Table identifies the files that the rows come from; may be empty.
	Table dataset.Fingerprint
}

// Len returns n.
func (d *Data) Len() int { return len(d.Y) }

// Width returns d; 0 where there are no rows.
func (d *Data) Width() int {
	if len(d.Y) == 0 {
		return 0
	}
	return len(d.X) / len(d.Y)
}

// keys returns the names of the rows.
func (d *Data) keys() *dataset.Keys {
	if d.Keys == nil {
		return dataset.RowKeys(int64(d.Len()))
	}
	return d.Keys
}

// check says what is wrong with the examples as such.
func (d *Data) check() error {
	n := d.Len()
	switch {
	case n == 0:
		return errors.New("there are no rows")
	case len(d.X)%n != 0 || len(d.X) == 0:
		return fmt.Errorf("%d features do not make %d rows", len(d.X), n)
	case d.Features != nil && len(d.Features) != d.Width():
		return fmt.Errorf("there are %d names for %d features", len(d.Features), d.Width())
	case d.Keys != nil && d.Keys.Len() != int64(n):
		return fmt.Errorf("there are %d keys for %d rows", d.Keys.Len(), n)
	}
	for i, v := range d.X {
		if v-v != 0 {
			return fmt.Errorf("feature %s of row %d is %v; the models take numbers only", d.featureName(i%d.Width()), i/d.Width(), v)
		}
	}
	for i, v := range d.Y {
		if v-v != 0 {
			return fmt.Errorf("the label of row %d is %v", i, v)
		}
	}
	return nil
}

// featureName returns the name of feature j, or its number.
func (d *Data) featureName(j int) string {
	if d.Features == nil {
		return fmt.Sprint(j)
	}
	return fmt.Sprintf("%q", d.Features[j])
}

// checkClasses says which label is none of k classes.
func (d *Data) checkClasses(k int) error {
	for i, v := range d.Y {
		if v != math.Trunc(v) || v < 0 || v >= float64(k) {
			return fmt.Errorf("the label of row %d is %v; classes are 0 … %d", i, v, k-1)
		}
	}
	return nil
}

// classes returns the number of classes.
func (d *Data) classes() (int, error) {
	k := len(d.Classes)
	if d.Classes == nil {
		most := 0.0
		for _, v := range d.Y {
			most = max(most, v)
		}
		if most >= maxWidth {
			return 0, fmt.Errorf("the largest label is %v; classes are numbers from 0 up", most)
		}
		k = int(most) + 1
	}
	if k < 2 {
		return 0, errors.New("all labels are of one class; there is nothing to tell apart")
	}
	return k, d.checkClasses(k)
}

// A Scaling is an affine map of features: (x − Mean)/Scale.
type Scaling struct {
	Mean  []float64 `json:"mean"`
	Scale []float64 `json:"scale"` // positive
}

// standardize returns the scaling to mean 0 and deviation 1 over all rows, by sums in
// order of rows. A feature that is constant keeps its scale.
func (d *Data) standardize() *Scaling {
	w, n := d.Width(), float64(d.Len())
	s := &Scaling{Mean: make([]float64, w), Scale: make([]float64, w)}
	for i, v := range d.X {
		s.Mean[i%w] += v
	}
	for j := range s.Mean {
		s.Mean[j] /= n
	}
	for i, v := range d.X {
		c := v - s.Mean[i%w]
		s.Scale[i%w] += float64(c * c)
	}
	for j, v := range s.Scale {
		s.Scale[j] = math.Sqrt(v / n)
		if !isPositive(s.Scale[j]) {
			s.Scale[j] = 1
		}
	}
	return s
}

// design writes rows first, first+1, … of the data into a, scaled, with the 1 of the
// bias as last column.
func (s *Scaling) design(d *Data, first int, a kernel.Matrix[float64]) {
	w := a.Cols - 1
	for i := range a.Rows {
		row := a.Row(i)
		copy(row, d.X[(first+i)*w:][:w])
		if s != nil {
			for j := range w {
				row[j] = (row[j] - s.Mean[j]) / s.Scale[j]
			}
		}
		row[w] = 1
	}
}

// take returns the listed rows of the data, which it checks to ascend; nil is all.
func (d *Data) take(rows []int64) (*Data, error) {
	if rows == nil {
		return d, nil
	}
	w, last := d.Width(), int64(-1)
	out := &Data{X: make([]float64, 0, len(rows)*w), Y: make([]float64, 0, len(rows)), Features: d.Features, Classes: d.Classes, Table: d.Table}
	for _, row := range rows {
		if row <= last || row >= int64(d.Len()) {
			return nil, fmt.Errorf("rows must ascend within 0 … %d; row %d follows %d", d.Len()-1, row, last)
		}
		last = row
		out.X = append(out.X, d.X[int(row)*w:][:w]...)
		out.Y = append(out.Y, d.Y[row])
	}
	if len(rows) == 0 {
		return nil, errors.New("all rows are left out")
	}
	return out, nil
}
