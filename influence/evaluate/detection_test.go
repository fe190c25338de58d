package evaluate

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDetectionIsThatOfScikitLearn(t *testing.T) {
	auc, err := AUC(someX, someWrong)
	require.NoError(t, err)
	require.InDelta(t, 0.88, auc, 1e-15)
	ap, err := AveragePrecision(someX, someWrong)
	require.NoError(t, err)
	require.InDelta(t, 0.8528571428571428, ap, 1e-15)
}

func TestInspect(t *testing.T) {
	// The order is rows 5, 7, 4, 8, 2, 0, 9, 6, 1, 3.
	got, err := Inspect(someX, someWrong, []float64{0, 0.2, 0.34, 0.45, 1})
	require.NoError(t, err)
	require.Equal(t, []Inspection{{0, 0, 0, 5}, {0.2, 2, 2, 5}, {0.34, 3, 2, 5}, {0.45, 5, 4, 5}, {1, 10, 5, 5}}, got)
}

func TestDetectionRefuses(t *testing.T) {
	for _, wrong := range [][]bool{{false, false}, {true, true}} {
		auc, err := AUC([]float64{1, 2}, wrong)
		require.NoError(t, err)
		require.True(t, math.IsNaN(auc))
	}
	ap, err := AveragePrecision([]float64{1, math.NaN()}, []bool{true, false})
	require.NoError(t, err)
	require.True(t, math.IsNaN(ap))
	_, err = AUC(someX, nil)
	require.Error(t, err)
	_, err = AveragePrecision(someX, nil)
	require.Error(t, err)
	_, err = Inspect(someX, nil, nil)
	require.Error(t, err)
	_, err = Inspect(someX, someWrong, []float64{1.1})
	require.Error(t, err)
}

func TestBrittle(t *testing.T) {
	b, err := Brittle([][]bool{{false, true}, {false, false, false}, {true}, {}}, []int{1, 5, 10})
	require.NoError(t, err)
	require.Equal(t, []int{5, -1, 1, -1}, b.Smallest)
	require.Equal(t, []float64{0.25, 0.5, 0.5}, b.Flipped)
	_, err = Brittle(nil, []int{2, 1})
	require.Error(t, err)
	_, err = Brittle([][]bool{{false, false}}, []int{1})
	require.Error(t, err)
	require.Equal(t, []int64{5, 7, 4, 8, 2, 0, 9, 6, 1, 3}, HelpfulFirst(someX))
	require.Equal(t, []int64{2}, HelpfulFirst([]float64{0, -1, 1, math.NaN()}))
}
