package influence_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
)

func TestRepresenterIsItsDefinition(t *testing.T) {
	const n, q, k, l2 = 40, 11, 5, 0.2
	features, gradients, queries := randomTable(1, n, 6), randomTable(2, n, k), randomTable(3, q, 6)
	p := influence.RepresenterPoints{TrainFeatures: features.in(t, dataset.Float32), QueryFeatures: queries.in(t, dataset.Float64), Alpha: gradients.in(t, dataset.Float32), L2: l2, Bias: true}
	want := make([][]float64, q)
	for e := range want {
		class := e * 3 % k
		p.Classes = append(p.Classes, class)
		for i := range n {
			want[e] = append(want[e], -1/(l2*n)*gradients.rows[i][class]*(dot(features.rows[i], queries.rows[e])+1))
		}
	}
	s, err := influence.Representer(p, influence.ProductOptions{})
	require.NoError(t, err)
	for precision, tolerance := range tolerances {
		requireNear(t, want, matrix(t, s, wholeJob(p.TrainFeatures, p.QueryFeatures, precision)), tolerance)
	}
	p.L2 = 0
	s, err = influence.Representer(p, influence.ProductOptions{})
	require.NoError(t, err)
	for e := range want {
		for i := range want[e] {
			want[e][i] *= -l2 * n
		}
	}
	j := wholeJob(p.TrainFeatures, p.QueryFeatures, influence.Float64)
	requireNear(t, want, matrix(t, s, j), 1e-12)
	j.Self = true
	_, err = s.Layout(j)
	require.ErrorContains(t, err, "self-influence by representer is not supported")
	p.Classes[2] = k
	_, err = influence.Representer(p, influence.ProductOptions{})
	require.EqualError(t, err, "query row 2 asks about class 5 of 5")
	p.Classes = p.Classes[:3]
	_, err = influence.Representer(p, influence.ProductOptions{})
	require.EqualError(t, err, "3 classes are asked about for 11 queries")
}
