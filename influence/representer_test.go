package influence_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/influencetest"
)

// lastLayer is a softmax layer by loops.
type lastLayer struct {
	features table
	targets  [][]float64
	l2       float64
	bias     influence.Bias
}

// input is a row of features with its 1.
func (l lastLayer) input(f []float64) []float64 {
	if l.bias == influence.NoBias {
		return f
	}
	return append(append([]float64{}, f...), 1)
}

func (l lastLayer) logits(theta [][]float64, f []float64) []float64 {
	z := make([]float64, len(theta))
	for k := range z {
		z[k] = dot(theta[k], l.input(f))
	}
	return z
}

func softmaxOf(z []float64) []float64 {
	sum, p := 0.0, make([]float64, len(z))
	for k, v := range z {
		p[k] = math.Exp(v)
		sum += p[k]
	}
	for k := range p {
		p[k] /= sum
	}
	return p
}

// minimum descends along the slope, in steps that suit the features, until it is flat,
// and returns the weights and the gradients of the losses there.
func (l lastLayer) minimum(t *testing.T) (theta, gradients [][]float64) {
	n, k := len(l.targets), len(l.targets[0])
	theta = make([][]float64, k)
	for c := range theta {
		theta[c] = make([]float64, len(l.input(l.features.rows[0])))
	}
	size := 0.0
	for _, f := range l.features.rows {
		x := l.input(f)
		size = max(size, dot(x, x))
	}
	for range 200_000 {
		slope, most := make([][]float64, k), 0.0
		gradients = make([][]float64, n)
		for c := range slope {
			slope[c] = make([]float64, len(theta[0]))
		}
		for i, f := range l.features.rows {
			gradients[i] = softmaxOf(l.logits(theta, f))
			for c := range gradients[i] {
				gradients[i][c] -= l.targets[i][c]
				for j, v := range l.input(f) {
					slope[c][j] += gradients[i][c] * v / float64(n)
				}
			}
		}
		for c := range slope {
			for j := range slope[c] {
				if j < l.features.cols || l.bias == influence.PenalisedBias {
					slope[c][j] += l.l2 * theta[c][j]
				}
				most = max(most, math.Abs(slope[c][j]))
				theta[c][j] -= slope[c][j] / (size/2 + l.l2)
			}
		}
		if most < 1e-14 {
			return theta, gradients
		}
	}
	t.Fatal("gradient descent does not end")
	return nil, nil
}

// classesOfQueries asks about a class of each query.
func classesOfQueries(q, k int) (out []int) {
	for e := range q {
		out = append(out, e*3%k)
	}
	return out
}

// values are α_ic·⟨f_i, f_q⟩ by loops.
func (l lastLayer) values(alpha [][]float64, queries table, classes []int) [][]float64 {
	want := make([][]float64, len(queries.rows))
	for e, f := range queries.rows {
		for i, x := range l.features.rows {
			product := dot(x, f)
			if l.bias == influence.PenalisedBias {
				product++
			}
			want[e] = append(want[e], alpha[i][classes[e]]*product)
		}
	}
	return want
}

func TestRepresenterIsItsDefinition(t *testing.T) {
	const n, q, k = 40, 11, 5
	l := lastLayer{features: randomTable(1, n, 6)}
	alpha, queries := randomTable(2, n, k), randomTable(3, q, 6)
	p := influence.RepresenterPoints{TrainFeatures: l.features.in(t, dataset.Float32), QueryFeatures: queries.in(t, dataset.Float64), Alpha: alpha.in(t, dataset.Float32), Classes: classesOfQueries(q, k)}
	for _, p.Bias = range []influence.Bias{influence.PenalisedBias, influence.FreeBias, influence.NoBias} {
		s, err := influence.Representer(p, influence.ProductOptions{})
		require.NoError(t, err)
		l.bias = p.Bias
		for precision, tolerance := range tolerances {
			requireNear(t, l.values(alpha.rows, queries, p.Classes), matrix(t, s, wholeJob(p.TrainFeatures, p.QueryFeatures, precision)), tolerance)
		}
		_, known, err := s.Stationarity(t.Context())
		require.NoError(t, err)
		require.False(t, known, "coefficients are taken as they are")
	}
}

// TestRepresenterFitsTheLastLayer compares the fit to logits with gradient descent, and
// holds what the theorem promises: the scores of a query add up to its logit.
func TestRepresenterFitsTheLastLayer(t *testing.T) {
	const n, q, k, l2 = 60, 9, 4, 0.05
	logits, queries := randomTable(2, n, k), randomTable(3, q, 3)
	for bias, name := range []string{"penalised bias", "free bias", "no bias"} {
		t.Run(name, func(t *testing.T) {
			l := lastLayer{features: randomTable(1, n, 3), l2: l2, bias: influence.Bias(bias)}
			for _, z := range logits.rows {
				l.targets = append(l.targets, softmaxOf(z))
			}
			theta, gradients := l.minimum(t)
			for i := range gradients {
				for c := range gradients[i] {
					gradients[i][c] /= -l2 * n
				}
			}
			p := influence.RepresenterPoints{
				TrainFeatures: l.features.in(t, dataset.Float64), QueryFeatures: queries.in(t, dataset.Float64),
				Logits: logits.in(t, dataset.Float64), L2: l2, Bias: l.bias, Classes: classesOfQueries(q, k),
			}
			s, err := influence.Representer(p, influence.ProductOptions{})
			require.NoError(t, err)
			got := matrix(t, s, wholeJob(p.TrainFeatures, p.QueryFeatures, influence.Float64))
			requireNear(t, l.values(gradients, queries, p.Classes), got, 1e-9)
			for e, f := range queries.rows {
				sum, logit := 0.0, l.logits(theta, f)[p.Classes[e]]
				for _, v := range got[e] {
					sum += v
				}
				if l.bias == influence.FreeBias {
					logit -= theta[p.Classes[e]][l.features.cols]
				}
				require.InDelta(t, logit, sum, 1e-8)
			}
			found, known, err := s.Stationarity(t.Context())
			require.NoError(t, err)
			require.True(t, known)
			require.Less(t, found.Residual, 1e-10)
		})
	}
}

// TestGradientsMustBeStationary: those of a minimum are taken, others refused.
func TestGradientsMustBeStationary(t *testing.T) {
	const n, q, k, l2 = 60, 9, 4, 0.05
	l := lastLayer{features: randomTable(1, n, 3), l2: l2}
	for i := range n {
		label := make([]float64, k)
		label[i*i%k] = 1
		l.targets = append(l.targets, label)
	}
	_, rows := l.minimum(t)
	queries, gradients := randomTable(3, q, 3), table{rows, k}
	p := influence.RepresenterPoints{
		TrainFeatures: l.features.in(t, dataset.Float64), QueryFeatures: queries.in(t, dataset.Float64),
		Gradients: gradients.in(t, dataset.Float32), L2: l2, Classes: classesOfQueries(q, k),
	}
	influencetest.Scorer(t, func() (influence.Scorer, int64, int64) {
		s, err := influence.Representer(p, influence.ProductOptions{})
		require.NoError(t, err)
		return s, n, q
	}, influencetest.Options{NoSelf: true})
	s, err := influence.Representer(p, influence.ProductOptions{})
	require.NoError(t, err)
	found, _, err := s.Stationarity(t.Context())
	require.NoError(t, err)
	require.Less(t, found.Relative, 1e-5, "as good as float32")
	alpha := make([][]float64, n)
	for i := range alpha {
		for _, g := range rows[i] {
			alpha[i] = append(alpha[i], -g/(l2*n))
		}
	}
	j := wholeJob(p.TrainFeatures, p.QueryFeatures, influence.Float64)
	requireNear(t, l.values(alpha, queries, p.Classes), matrix(t, s, j), 1e-6)

	p.L2 = 0.06
	s, err = influence.Representer(p, influence.ProductOptions{})
	require.NoError(t, err)
	var e *influence.NotStationaryError
	require.ErrorAs(t, s.Score(t.Context(), j, newScores(t, s, j)), &e)
	require.Greater(t, e.Relative, 1e-3)
	require.ErrorContains(t, e, "check the regularisation, or give the logits")
}

func TestRepresenterRefuses(t *testing.T) {
	features, wide, one := randomTable(1, 20, 3).in(t, dataset.Float64), randomTable(2, 20, 4).in(t, dataset.Float64), randomTable(2, 20, 1).in(t, dataset.Float64)
	for want, change := range map[string]func(p *influence.RepresenterPoints){
		"representer points need coefficients, gradients or logits: one of them, not 0": func(p *influence.RepresenterPoints) { p.Alpha = nil },
		"representer points need coefficients, gradients or logits: one of them, not 2": func(p *influence.RepresenterPoints) { p.Logits = wide },
		"a regularisation of 0; representer points need one above 0":                    func(p *influence.RepresenterPoints) { p.Alpha, p.Logits = nil, wide },
		"gradients do not tell a bias that is not regularised; give the logits, or the coefficients": func(p *influence.RepresenterPoints) {
			p.Alpha, p.Gradients, p.L2, p.Bias = nil, wide, 1, influence.FreeBias
		},
		"the last layer has one output; give the logits or gradients of two, 0 and the output's, or the coefficients": func(p *influence.RepresenterPoints) { p.Alpha, p.Logits, p.L2 = nil, one, 1 },
		"query row 2 asks about class 5 of 4":                                   func(p *influence.RepresenterPoints) { p.Classes[2] = 5 },
		"3 classes are asked about for 20 queries":                              func(p *influence.RepresenterPoints) { p.Classes = p.Classes[:3] },
		"representer points explain queries; there are none":                    func(p *influence.RepresenterPoints) { p.QueryFeatures = nil },
		"train features and what their coefficients are made of: 20 and 5 rows": func(p *influence.RepresenterPoints) { p.Alpha = randomTable(1, 5, 4).in(t, dataset.Float64) },
	} {
		p := influence.RepresenterPoints{TrainFeatures: features, QueryFeatures: features, Alpha: wide, Classes: make([]int, 20)}
		change(&p)
		_, err := influence.Representer(p, influence.ProductOptions{})
		require.EqualError(t, err, want)
	}
	s, err := influence.Representer(influence.RepresenterPoints{TrainFeatures: features, QueryFeatures: features, Alpha: wide, Classes: make([]int, 20)}, influence.ProductOptions{})
	require.NoError(t, err)
	_, err = s.Layout(influence.Job{Train: influence.RowRange(0, 20), Self: true})
	require.ErrorContains(t, err, "self-influence by representer is not supported")
	bad := randomTable(2, 20, 4)
	bad.rows[3][1] = math.NaN()
	s, err = influence.Representer(influence.RepresenterPoints{TrainFeatures: features, QueryFeatures: features, Logits: bad.in(t, dataset.Float64), L2: 1, Classes: make([]int, 20)}, influence.ProductOptions{})
	require.NoError(t, err)
	_, _, err = s.Stationarity(t.Context())
	var e *influence.NonFiniteError
	require.ErrorAs(t, err, &e)
	require.EqualValues(t, 3, e.Row)
}
