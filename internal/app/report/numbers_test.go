package report

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

func TestNumbersForPeople(t *testing.T) {
	for v, want := range map[Number]string{
		0: "0", 1: "1.000", -0.012345: "−0.01235", 1234.5: "1234", 12345.6: "12,346", -1234567: "−1,234,567", 1.5e-7: "1.5·10⁻⁷", 2e20: "2·10²⁰",
		Number(math.Inf(1)): "+Inf",
	} {
		assert.Equal(t, want, v.String())
	}
	assert.Equal(t, "–", Number(math.NaN()).String())
	for v, want := range map[Number]string{0: "0.0 %", 0.0004: "< 0.1 %", 0.05: "5.0 %", 0.5: "50 %", 1: "100 %"} {
		assert.Equal(t, want, v.Percent())
	}
}

func TestLongCellsAreCutAtCharacters(t *testing.T) {
	for _, text := range []string{"", "short", strings.Repeat("ä", MaxCell), strings.Repeat("語", MaxCell+7), strings.Repeat("\xff", MaxCell+3)} {
		c := NewCell(text)
		n := utf8.RuneCountInString(text)
		assert.Equal(t, max(0, n-MaxCell), c.Cut)
		assert.True(t, strings.HasPrefix(text, c.Text))
		assert.Equal(t, min(n, MaxCell), utf8.RuneCountInString(c.Text))
	}
}

// TestHistogramCountsEachValueOnce adds up the bins and looks the values up by
// the edges.
func TestHistogramCountsEachValueOnce(t *testing.T) {
	draw := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 50, 3000} {
		for _, sign := range []float64{-1, 0, 1} {
			values := make([]float64, n)
			for i := range values {
				values[i] = draw.NormFloat64() * math.Exp(3*draw.NormFloat64())
				if sign != 0 {
					values[i] = sign * math.Abs(values[i])
				}
			}
			h := NewHistogram(values)
			total, below, above := int64(0), int64(0), int64(0)
			for _, b := range h.Bins {
				total += b
			}
			for _, v := range values {
				if v < float64(h.Lo) {
					below++
				}
				if v > float64(h.Hi) {
					above++
				}
			}
			assert.Equal(t, int64(n), total)
			assert.Equal(t, [2]int64{below, above}, [2]int64{h.Below, h.Above})
			assert.LessOrEqual(t, below+above, int64(n)/200+1)
			assert.Equal(t, slices.Min(values), float64(h.Min))
			assert.Equal(t, slices.Max(values), float64(h.Max))
		}
	}
	assert.Empty(t, NewHistogram([]float64{math.NaN()}).Bins)
}

// TestConcentrationByForce compares with a search over all numbers of rows.
func TestConcentrationByForce(t *testing.T) {
	draw := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 7, 1000} {
		values := make([]float64, n)
		for i := range values {
			if i%3 > 0 || n == 1 {
				values[i] = draw.NormFloat64()
			}
		}
		c := NewConcentration(values)
		abs := make([]float64, n)
		total := 0.0
		for i, v := range values {
			abs[i] = math.Abs(v)
			total += abs[i]
		}
		slices.Sort(abs)
		slices.Reverse(abs)
		fewest := func(share float64) int64 {
			sum := 0.0
			for i, v := range abs {
				if sum += v; sum >= share*total*(1-1e-12) {
					return int64(i + 1)
				}
			}
			return int64(n)
		}
		assert.Equal(t, fewest(0.5), c.Half)
		assert.Equal(t, fewest(0.9), c.Ninety)
		assert.Equal(t, int64(n), c.Rows)
		assert.LessOrEqual(t, len(c.Curve), 2*curvePoints+2)
		assert.InDelta(t, 1, float64(c.Curve[len(c.Curve)-1].Y), 1e-9)
		for i := 1; i < len(c.Curve); i++ {
			assert.GreaterOrEqual(t, c.Curve[i].Y, c.Curve[i-1].Y)
		}
	}
	assert.Zero(t, NewConcentration(make([]float64, 5)).Half)
	assert.Equal(t, int64(5), NewConcentration(make([]float64, 5)).Zero)
}

// TestComparisonPartsTheColumns wants every column either as a line or among
// the equal ones or counted.
func TestComparisonPartsTheColumns(t *testing.T) {
	const n = maxLines + 9
	var columns []string
	q := Query{}
	row := TrainRow{}
	for i := range n {
		columns = append(columns, strings.Repeat("c", i+1))
		q.Fields = append(q.Fields, Cell{Text: "a"})
		row.Fields = append(row.Fields, Cell{Text: "b", Differs: i%8 != 0})
	}
	c := compare(columns, q, Answer{Sides: [2]Side{{Rows: []TrainRow{row}}, {}}})
	assert.Len(t, c.Sides, 1)
	assert.Equal(t, n, len(c.Sides[0].Lines)+len(c.Same)+c.More)
	assert.Equal(t, (n+7)/8, len(c.Same))
	assert.Len(t, c.Sides[0].Lines, min(maxLines, n-len(c.Same)))
	for _, l := range c.Sides[0].Lines {
		assert.True(t, l.Cells[0].Differs)
	}
}

func TestHeatIsWrittenInOneUnit(t *testing.T) {
	h := Heat{Cells: [][]Number{{2.5e-5, -1e-6}, {0, Number(math.NaN())}}}
	assert.Equal(t, "10⁻⁶", h.unit())
	cells := h.colours()
	assert.Equal(t, "25.0", cells[0][0].Text)
	assert.Equal(t, 100, cells[0][0].Depth)
	assert.Equal(t, "−1.0", cells[0][1].Text)
	assert.Equal(t, "0", cells[1][0].Text)
	assert.Equal(t, "–", cells[1][1].Text)
	assert.Empty(t, Heat{Cells: [][]Number{{12}}}.unit())
}
