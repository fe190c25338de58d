package influence_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
)

func TestLabelOf(t *testing.T) {
	for _, x := range []struct {
		g  []float64
		y  int
		ok bool
	}{
		{[]float64{0.2, -0.5, 0.3}, 1, true},
		{[]float64{-0.998, 1, 0}, 0, true}, // rounded to 8 bits
		{[]float64{0, 0, 0}, 0, true},      // certain and right
		{[]float64{0.2, -0.5, 0.2}, 0, false},
		{[]float64{0.5, -0.25, -0.25}, 0, false},
		{[]float64{2, -2}, 0, false},
		{[]float64{math.NaN(), 1}, 0, false},
		{nil, 0, false},
	} {
		y, ok := influence.LabelOf(x.g)
		require.Equal(t, x.ok, ok, "%v", x.g)
		if ok {
			require.Equal(t, x.y, y, "%v", x.g)
		}
	}
}
