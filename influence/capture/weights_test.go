package capture

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWeightsLieAsTheTrainingProgramHasThem: rows of a gradient are outputs, with the bias
// last, whatever the layout of the weight.
func TestWeightsLieAsTheTrainingProgramHasThem(t *testing.T) {
	gradient := []float64{1, 2, 3, 10, 4, 5, 6, 20}
	linear := NewLinear("l", 3, 2, true)
	weight, bias := linear.Weights(gradient)
	require.Equal(t, []int64{2, 3}, linear.WeightShape())
	require.Equal(t, []float64{1, 2, 3, 4, 5, 6}, weight)
	require.Equal(t, []float64{10, 20}, bias)

	linear.WeightLayout, linear.Params = "in_out", []string{"c_attn.w", "c_attn.b"}
	weight, _ = linear.Weights(gradient)
	require.Equal(t, []int64{3, 2}, linear.WeightShape())
	require.Equal(t, []float64{1, 4, 2, 5, 3, 6}, weight)
	name, ofBias := linear.Parameters()
	require.Equal(t, [2]string{"c_attn.w", "c_attn.b"}, [2]string{name, ofBias})

	conv := Module{Name: "c", Kind: Conv2D, In: 4, Out: 2, WeightLayout: "out_in", Conv: &Conv{InShape: [3]int64{1, 9, 9}, Kernel: [2]int64{2, 2}}}
	weight, bias = conv.Weights(gradient)
	require.Equal(t, []int64{2, 1, 2, 2}, conv.WeightShape())
	require.Equal(t, gradient, weight)
	require.Nil(t, bias)
	name, ofBias = conv.Parameters()
	require.Equal(t, [2]string{"c.weight", ""}, [2]string{name, ofBias})
}
