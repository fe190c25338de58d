package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A bar is a rectangle in a chart of 100 × 100 units, y down.
type bar struct {
	X, Y, W, H string
	Side       string // up, down or zero
	Title      string
}

// A tick is a label at a distance from the chart's origin, in percent.
type tick struct {
	At   string
	Text string
}

// bars draws a histogram; counts are on a log scale, so that single rows in the
// tails stay visible beside the many near zero.
func (h Histogram) bars() []bar {
	top := h.top()
	w := 100 / float64(max(len(h.Bins), 1))
	var out []bar
	for i, n := range h.Bins {
		if n == 0 {
			continue
		}
		height := 100 * logCount(n) / top
		lo, hi := h.Edge(i), h.Edge(i+1)
		side := "zero"
		if lo+hi > 0 && lo >= -1e-12*h.Hi {
			side = "up"
		} else if lo+hi < 0 && hi <= -1e-12*h.Lo {
			side = "down"
		}
		out = append(out, bar{
			X: units(float64(i)*w + w*0.06), Y: units(100 - height), W: units(w * 0.88), H: units(height),
			Side: side, Title: fmt.Sprintf("%s to %s: %s rows", lo.digits(3), hi.digits(3), Count(n)),
		})
	}
	return out
}

func (h Histogram) top() float64 {
	most := int64(1)
	for _, n := range h.Bins {
		most = max(most, n)
	}
	return logCount(most) * 1.04
}

// ticks are the powers of ten up the side.
func (h Histogram) ticks() []tick {
	var out []tick
	for n := int64(1); logCount(n) <= h.top(); n *= 10 {
		out = append(out, tick{units(100 * logCount(n) / h.top()), Count(n)})
	}
	return out
}

// logCount is 0 for no row and positive for one.
func logCount(n int64) float64 { return math.Log10(float64(n)) + 0.3 }

// path draws the curve as the points of a polyline.
func (c Concentration) path() string {
	var b strings.Builder
	for i, p := range c.Curve {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%s,%s", units(100*float64(p.X)), units(100-100*float64(p.Y)))
	}
	return b.String()
}

// halfAt is where half of the absolute score is reached, in percent.
func (c Concentration) halfAt() string {
	return units(100 * float64(c.Half) / float64(max(c.Rows, 1)))
}

func units(v float64) string {
	s := fmt.Sprintf("%.2f", v)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// percentOf returns the whole percent of |v| in most, for the length of a bar
// or the depth of a colour.
func percentOf(v, most Number) int {
	a, m := math.Abs(float64(v)), math.Abs(float64(most))
	if !(m > 0) || math.IsNaN(a) || math.IsInf(a, 0) {
		return 0
	}
	return int(math.Round(100 * min(a/m, 1)))
}

// most returns the largest absolute value.
func most(values ...Number) Number {
	m := 0.0
	for _, v := range values {
		if a := math.Abs(float64(v)); a > m && !math.IsInf(a, 0) {
			m = a
		}
	}
	return Number(m)
}

// A heatCell is a cell with its colour.
type heatCell struct {
	Text  string // in the map's unit
	Exact Number
	Side  string // up, down or zero
	Depth int    // percent of the deepest colour
}

// deepest is the largest absolute value of the map.
func (h Heat) deepest() Number {
	var all []Number
	for _, r := range h.Cells {
		all = append(all, r...)
	}
	return most(all...)
}

// power is the power of ten in which the cells are written: a multiple of
// three that leaves at most three digits before the point.
func (h Heat) power() int {
	d := float64(h.deepest())
	if d == 0 {
		return 0
	}
	return 3 * int(math.Floor(math.Log10(d)/3))
}

// unit names the power of ten, "" for the first.
func (h Heat) unit() string {
	if h.power() == 0 {
		return ""
	}
	return "10" + superscript(strconv.Itoa(h.power()))
}

// colours gives each cell its colour; the largest absolute value is deepest.
func (h Heat) colours() [][]heatCell {
	deepest, unit := h.deepest(), math.Pow10(h.power())
	decimals := 0
	if d := float64(deepest) / unit; d > 0 {
		decimals = 2 - min(2, int(math.Floor(math.Log10(d))))
	}
	out := make([][]heatCell, len(h.Cells))
	for i, r := range h.Cells {
		for _, v := range r {
			c := heatCell{"–", v, sideOf(v), percentOf(v, deepest)}
			if !math.IsNaN(float64(v)) {
				c.Text = strconv.FormatFloat(float64(v)/unit, 'f', decimals, 64)
				if strings.Trim(c.Text, "-0.") == "" {
					c.Text = "0"
				}
				c.Text = strings.Replace(c.Text, "-", "−", 1)
			}
			out[i] = append(out[i], c)
		}
	}
	return out
}

func sideOf(v Number) string {
	switch {
	case v > 0:
		return "up"
	case v < 0:
		return "down"
	}
	return "zero"
}
