package report

import (
	"math"
	"slices"
)

// curvePoints bounds the points of a concentration curve.
const curvePoints = 200

// A Concentration says how few rows carry how much of the absolute score.
type Concentration struct {
	Rows   int64   `json:"rows"`
	Zero   int64   `json:"zero"`   // rows with a score of 0
	Half   int64   `json:"half"`   // fewest rows that carry half of the absolute score
	Ninety int64   `json:"ninety"` // the same for 90 %
	Curve  []Point `json:"curve"`
}

// A Point says that the fraction X of the rows, the heaviest first, carries the
// fraction Y of the absolute score.
type Point struct {
	X Number `json:"x"`
	Y Number `json:"y"`
}

// NewConcentration sorts the values by weight. Values that are not finite
// count as 0.
func NewConcentration(values []float64) Concentration {
	abs := make([]float64, len(values))
	total, zero := 0.0, int64(0)
	for i, v := range values {
		if a := math.Abs(v); !math.IsNaN(v) && !math.IsInf(v, 0) {
			abs[i] = a
		}
		if abs[i] == 0 {
			zero++
		}
	}
	slices.SortFunc(abs, func(a, b float64) int {
		switch {
		case a > b:
			return -1
		case a < b:
			return 1
		}
		return 0
	})
	for _, v := range abs {
		total += v
	}
	c := Concentration{Rows: int64(len(abs)), Zero: zero, Curve: []Point{}}
	if total == 0 {
		return c
	}
	c.Curve = append(c.Curve, Point{})
	step := max(len(abs)/curvePoints, 1)
	sum := 0.0
	for i, v := range abs {
		sum += v
		if c.Half == 0 && sum >= total/2 {
			c.Half = int64(i + 1)
		}
		if c.Ninety == 0 && sum >= 0.9*total {
			c.Ninety = int64(i + 1)
		}
		if (i+1)%step == 0 || i == len(abs)-1 {
			c.Curve = append(c.Curve, Point{Number(i+1) / Number(len(abs)), Number(min(sum/total, 1))})
		}
	}
	return c
}
