package ekfac

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/sink"
	"github.com/infl-dev/infl/internal/kernel"
)

// randomFactors are factors of one module of out × in numbers, and its curvature written
// out.
func randomFactors(t *testing.T, r *rand.Rand, out, in int) (*Factors, kernel.Matrix[float64]) {
	const examples = 4
	inputs, outputs := randomBasis(t, r, in), randomBasis(t, r, out)
	sums := kernel.NewMatrix[float64](out, in)
	for i := range sums.Data {
		sums.Data[i] = examples * r.Float64()
	}
	sums.Data[0] = 0 // A direction without curvature.
	memory := &memoryTensors{kept: map[[2]string]kernel.Matrix[float64]{
		{inputValues, "m"}: kernel.MatrixOf(inputs.Values, in, 1), {inputVectors, "m"}: inputs.Vectors,
		{outputValues, "m"}: kernel.MatrixOf(outputs.Values, out, 1), {outputVectors, "m"}: outputs.Vectors,
		{lambdaMatrix, "m"}: sums,
	}}
	f := &Factors{head: head{Method: EKFAC, Modules: []Module{
		{Name: "m", In: int64(in), Out: int64(out), Inputs: "m", Examples: examples, Rows: examples},
	}}, tensors: memory}
	h := kernel.NewMatrix[float64](out*in, out*in)
	for a := range out * in {
		for b := range out * in {
			for k, v := range sums.Data {
				left := outputs.Vectors.At(a/in, k/in) * inputs.Vectors.At(a%in, k%in)
				right := outputs.Vectors.At(b/in, k/in) * inputs.Vectors.At(b%in, k%in)
				h.Row(a)[b] += left * v / examples * right
			}
		}
	}
	return f, h
}

// TestSourceIsUnrolledTraining takes steps of gradient descent, so small that they are a
// flow, with a train row's gradient added to each: the change of the query's loss at the
// end is the score.
func TestSourceIsUnrolledTraining(t *testing.T) {
	const out, in, segments, fine = 2, 3, 3, 2000
	r := rand.New(rand.NewPCG(3, 1))
	vector := func() []float64 {
		v := make([]float64, out*in)
		for i := range v {
			v[i] = r.NormFloat64()
		}
		return v
	}
	rates, steps := []float64{0.3, 0.1, 0.02}, []int64{5, 20, 40}
	change := make([]float64, out*in)
	var all []Segment
	for l := range segments {
		f, h := randomFactors(t, r, out, in)
		g := vector()
		train, err := influence.VectorsOf(g, out*in)
		require.NoError(t, err)
		all = append(all, Segment{Factors: f, Train: []influence.Vectors{train}, Rate: rates[l], Steps: steps[l]})
		small := rates[l] * float64(steps[l]) / fine
		for range fine {
			next := make([]float64, out*in)
			for a := range next {
				pull := 0.0
				for b, c := range change {
					pull += h.At(a, b) * c
				}
				next[a] = change[a] + small*(g[a]-pull)
			}
			change = next
		}
	}
	b := vector()
	query, err := influence.VectorsOf(b, out*in)
	require.NoError(t, err)
	want := 0.0
	for i, v := range b {
		want += v * change[i]
	}
	s, err := Source(all, []influence.Vectors{query}, []string{"m"}, SourceOptions{})
	require.NoError(t, err)
	m, err := sink.Dense(t.Context(), s, influence.Job{Train: influence.RowRange(0, 1), Query: influence.RowRange(0, 1), Precision: influence.Float64})
	require.NoError(t, err)
	require.InEpsilon(t, want, m.Scores[0], 2e-3)
	require.Equal(t, 1.0, *s.Describe().LOOFactor)

	_, err = Source([]Segment{{Rate: -1}}, nil, []string{"m"}, SourceOptions{})
	for _, text := range []string{"segment 0: 1 modules have 0 blocks", "segment 0: has no factors", "a learning rate of -1", "0 steps"} {
		require.ErrorContains(t, err, text)
	}
}

// TestResponseIsSmooth has the two formulas of a segment's response meet, and the limit
// without curvature.
func TestResponseIsSmooth(t *testing.T) {
	require.Equal(t, 7.0, response(7, 0))
	below, above := response(1, 1e-3*(1-1e-9)), response(1, 1e-3*(1+1e-9))
	require.InEpsilon(t, below, above, 1e-11)
	require.Less(t, above, below)
}
