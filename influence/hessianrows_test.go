package influence_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
)

// A linearLayer is the inputs of a layer with a bias, and the gradients of its outputs.
type linearLayer struct{ inputs, gradients table }

// randomLayer has gradients p − e_y, or without classes residuals.
func randomLayer(seed uint64, n, k int, classes bool) linearLayer {
	l := linearLayer{randomTable(seed, n, 3), randomTable(seed+1, n, k)}
	for i, z := range l.gradients.rows {
		if classes {
			l.gradients.rows[i] = softmaxOf(z)
			l.gradients.rows[i][i%k]--
		}
	}
	return l
}

func (l linearLayer) hessianRows(t *testing.T, loss influence.OutputLoss) influence.Vectors {
	v, err := influence.HessianRows(l.inputs.in(t, dataset.Float32), l.gradients.in(t, dataset.Float64), true, loss)
	require.NoError(t, err)
	return v
}

// hessian is Σ C ⊗ x·xᵀ over rows, by its definition.
func (l linearLayer) hessian(loss influence.OutputLoss, rows ...int) [][]float64 {
	k, width := l.gradients.cols, l.inputs.cols+1
	out := make([][]float64, k*width)
	for a := range out {
		out[a] = make([]float64, k*width)
	}
	for _, i := range rows {
		x := append(append([]float64{}, l.inputs.rows[i]...), 1)
		for a := range out {
			for b := range out {
				c, e := a/width, b/width
				second := 0.0
				if c == e {
					second = 1
				}
				if loss == influence.SoftmaxLoss {
					p := append([]float64{}, l.gradients.rows[i]...)
					p[i%k]++
					second = second*p[c] - p[c]*p[e]
				}
				out[a][b] += second * x[a%width] * x[b%width]
			}
		}
	}
	return out
}

func upTo(n int) []int {
	var out []int
	for i := range n {
		out = append(out, i)
	}
	return out
}

func TestHessianRowsAreTheirDefinition(t *testing.T) {
	const n, k = 12, 4
	for _, loss := range []influence.OutputLoss{influence.SoftmaxLoss, influence.HalfSquaredLoss} {
		l := randomLayer(3, n, k, loss == influence.SoftmaxLoss)
		v := l.hessianRows(t, loss)
		require.EqualValues(t, n*k, v.Rows())
		whole, err := influence.ReadVectors(t.Context(), v)
		require.NoError(t, err)
		var rows [][]float64
		for d := v.Cols(); len(whole) > 0; whole = whole[d:] {
			rows = append(rows, whole[:d])
		}
		requireNear(t, l.hessian(loss, upTo(n)...), fisherOf(rows, 1, 0), 1e-14)
		for b, err := range v.Blocks(t.Context(), 5, 18) { // within examples
			require.NoError(t, err)
			for j := range b.Rows {
				require.Equal(t, rows[int(b.First)+j], b.Float64[j*b.Cols:][:b.Cols])
			}
		}
	}
}

// TestExactHessian: scores, and what leaving sets out does, are those of dense inverses,
// by each way to the inverse.
func TestExactHessian(t *testing.T) {
	const n, q, k, lambda = 40, 5, 3, 0.05
	l, asked := randomLayer(1, n, k, true), randomLayer(9, q, k, true)
	gradients := func(l linearLayer) influence.Vectors {
		v, err := influence.Outer(l.inputs.in(t, dataset.Float64), l.gradients.in(t, dataset.Float64), true, dataset.Float64)
		require.NoError(t, err)
		return v
	}
	read := func(v influence.Vectors) (out [][]float64) {
		x, err := influence.ReadVectors(t.Context(), v)
		require.NoError(t, err)
		for i := 0; i < len(x); i += v.Cols() {
			out = append(out, x[i:i+v.Cols()])
		}
		return out
	}
	c := influence.Checkpoint{Train: []influence.Vectors{gradients(l)}, Query: []influence.Vectors{gradients(asked)}}
	train, query := read(c.Train[0]), read(c.Query[0])
	damped := func(rows []int) [][]float64 {
		h := l.hessian(influence.SoftmaxLoss, rows...)
		for a := range h {
			for b := range h {
				h[a][b] /= n
			}
			h[a][a] += lambda
		}
		return h
	}
	sets := [][]int{{7}, {3, 11}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}} // The last has more rows than numbers.
	scores, newton := make([][]float64, q), make([][]float64, q)
	for e := range q {
		for i := range n {
			scores[e] = append(scores[e], dot(query[e], solve(damped(upTo(n)), train[i])))
		}
		for _, set := range sets {
			in, sum := map[int]bool{}, make([]float64, len(train[0]))
			for _, i := range set {
				in[i] = true
				for j, v := range train[i] {
					sum[j] += v
				}
			}
			var rest []int
			for i := range n {
				if !in[i] {
					rest = append(rest, i)
				}
			}
			newton[e] = append(newton[e], dot(query[e], solve(damped(rest), sum)))
		}
	}
	const rank = (k - 1) * 4 // Directions of the Hessian: shifting all logits changes nothing.
	o := influence.CurvatureOptions{Damping: influence.Damping{Value: lambda}, Rank: rank, Hessian: []influence.Vectors{l.hessianRows(t, influence.SoftmaxLoss)}}
	for name, create := range map[string]curved{"exact": influence.Exact, "cg": influence.CG, "nystroem": influence.Nystroem, "lissa": influence.LiSSA} {
		s, err := create(c, o)
		require.NoError(t, err, name)
		requireNear(t, scores, matrix(t, s, influence.Job{Train: influence.RowRange(0, n), Query: influence.RowRange(0, q), Precision: influence.Float64}), map[string]float64{"lissa": 1e-4}[name]+1e-8)
	}
	for _, set := range sets {
		var rows []int64
		for _, i := range set {
			rows = append(rows, int64(i))
		}
		o.Remove = append(o.Remove, influence.RowList(rows))
	}
	s, err := influence.Exact(c, o)
	require.NoError(t, err)
	requireNear(t, newton, matrix(t, s, influence.Job{Train: influence.RowRange(0, int64(len(sets))), Query: influence.RowRange(0, q), Precision: influence.Float64}), 1e-10)
}

func TestHessianRowsThatDoNotTell(t *testing.T) {
	for name, change := range map[string]func(g []float64){
		"two labels":   func(g []float64) { copy(g, []float64{-0.5, -0.25, 0.75}) },
		"a weight":     func(g []float64) { copy(g, []float64{-1.5, 1, 0.5}) },
		"no sum of 0":  func(g []float64) { copy(g, []float64{-0.5, 0.3, 0.3}) },
		"not a number": func(g []float64) { g[1] = math.NaN() },
	} {
		l := randomLayer(1, 6, 3, true)
		change(l.gradients.rows[4])
		_, err := influence.ReadVectors(t.Context(), l.hessianRows(t, influence.SoftmaxLoss))
		if name == "not a number" {
			require.Equal(t, &influence.NonFiniteError{Side: "train", Row: 4, Count: 1}, err)
			continue
		}
		require.ErrorContains(t, err, "train row 4: the gradient of its outputs is not that of a cross-entropy", name)
	}
	l := randomLayer(1, 6, 3, true)
	one := []influence.Vectors{l.hessianRows(t, influence.SoftmaxLoss)}
	c := influence.Checkpoint{Train: []influence.Vectors{randomTable(1, 6, 5).in(t, dataset.Float64)}}
	_, err := influence.Exact(c, influence.CurvatureOptions{Damping: influence.Damping{Value: 1}, Hessian: one})
	require.ErrorContains(t, err, "block 0: 18 rows of 12 numbers for the Hessians of 6 gradients of 5")
	_, err = influence.DataInf(c, influence.CurvatureOptions{Damping: influence.Damping{Value: 1}, Hessian: one})
	require.ErrorContains(t, err, "datainf with the exact Hessian is not supported")
	_, err = influence.HessianRows(l.inputs.in(t, dataset.Float64), randomTable(1, 6, 1).in(t, dataset.Float64), true, influence.SoftmaxLoss)
	require.ErrorContains(t, err, "a softmax of 1 outputs")
}
