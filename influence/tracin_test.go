package influence_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/influencetest"
)

// layers are the gradients of two layers at three checkpoints.
type layers struct {
	train, query [3][2]table
	rates        [3]float64
}

func randomLayers(n, q int) layers {
	l := layers{rates: [3]float64{.5, .25, .125}}
	for c := range l.rates {
		for b := range 2 {
			l.train[c][b] = randomTable(uint64(10*c+b), n, 5+9*b)
			l.query[c][b] = randomTable(uint64(100+10*c+b), q, 5+9*b)
		}
	}
	return l
}

func (l layers) checkpoints(t testing.TB, d ...dataset.Dtype) []influence.Checkpoint {
	var out []influence.Checkpoint
	for c, rate := range l.rates {
		x := influence.Checkpoint{Rate: rate}
		for b := range 2 {
			x.Train = append(x.Train, l.train[c][b].in(t, d[b]))
			x.Query = append(x.Query, l.query[c][b].in(t, d[b]))
		}
		out = append(out, x)
	}
	return out
}

// sum adds up f over checkpoints for each pair of rows.
func (l layers) sum(q, n int, f func(c, q, i int) float64) [][]float64 {
	out := make([][]float64, q)
	for e := range out {
		out[e] = make([]float64, n)
		for i := range n {
			for c, rate := range l.rates {
				out[e][i] += rate * f(c, e, i)
			}
		}
	}
	return out
}

func TestTracInIsItsDefinition(t *testing.T) {
	const n, q = 60, 30
	l := randomLayers(n, q)
	all := func(side [2]table, i int) []float64 {
		return append(append([]float64{}, side[0].rows[i]...), side[1].rows[i]...)
	}
	dots := l.sum(q, n, func(c, e, i int) float64 { return dot(all(l.train[c], i), all(l.query[c], e)) })
	cosines := l.sum(q, n, func(c, e, i int) float64 { return cosine(all(l.train[c], i), all(l.query[c], e)) })
	for _, types := range [][]dataset.Dtype{{dataset.Float64, dataset.Float64}, {dataset.Float32, dataset.BFloat16}, {dataset.Float16, dataset.Float64}} {
		for p, tolerance := range tolerances {
			cs := l.checkpoints(t, types...)
			j := wholeJob(cs[0].Train[0], cs[0].Query[0], p)
			for want, scores := range map[bool][][]float64{false: dots, true: cosines} {
				s, err := influence.TracIn(cs, want, influence.ProductOptions{})
				require.NoError(t, err)
				requireNear(t, scores, matrix(t, s, j), tolerance)
			}
		}
	}
}

func TestTracInLastIsItsDefinition(t *testing.T) {
	const n, q = 60, 30
	l := randomLayers(n, q)
	var lasts []influence.LastLayer
	for _, c := range l.checkpoints(t, dataset.Float32, dataset.Float32) {
		lasts = append(lasts, influence.LastLayer{TrainInputs: c.Train[0], TrainGradients: c.Train[1], QueryInputs: c.Query[0], QueryGradients: c.Query[1], Rate: c.Rate})
	}
	// outer is the gradient of the layer, with bias.
	outer := func(side [2]table, i int, bias bool) []float64 {
		x := side[0].rows[i]
		if bias {
			x = append(append([]float64{}, x...), 1)
		}
		var out []float64
		for _, g := range side[1].rows[i] {
			for _, v := range x {
				out = append(out, g*v)
			}
		}
		return out
	}
	for _, bias := range []bool{false, true} {
		for _, unit := range []bool{false, true} {
			f := dot
			if unit {
				f = cosine
			}
			want := l.sum(q, n, func(c, e, i int) float64 { return f(outer(l.train[c], i, bias), outer(l.query[c], e, bias)) })
			self := l.sum(1, n, func(c, _, i int) float64 { return f(outer(l.train[c], i, bias), outer(l.train[c], i, bias)) })
			s, err := influence.TracInLast(lasts, bias, unit, influence.ProductOptions{})
			require.NoError(t, err)
			for p, tolerance := range tolerances {
				j := wholeJob(lasts[0].TrainInputs, lasts[0].QueryInputs, p)
				requireNear(t, want, matrix(t, s, j), tolerance)
				j.Self = true
				requireNear(t, self, matrix(t, s, j), tolerance)
			}
		}
	}
	s, err := influence.TracInLast(lasts, true, false, influence.ProductOptions{})
	require.NoError(t, err)
	j := wholeJob(lasts[0].TrainInputs, lasts[0].QueryInputs, influence.Float32)
	j.Pools = &influence.Pools{Of: make([]int32, q), Count: 1}
	_, err = s.Layout(j)
	var unsupported *influence.UnsupportedError
	require.ErrorAs(t, err, &unsupported)
}

func TestTracInKeepsTheContract(t *testing.T) {
	const n, q = 70, 20
	l := randomLayers(n, q)
	for _, last := range []bool{false, true} {
		workers := 0
		influencetest.Scorer(t, func() (influence.Scorer, int64, int64) {
			workers++
			o := influence.ProductOptions{Workers: workers % 4}
			cs := l.checkpoints(t, dataset.Float32, dataset.Float64)
			if !last {
				s, err := influence.TracIn(cs, false, o)
				require.NoError(t, err)
				return s, n, q
			}
			s, err := influence.TracInLast([]influence.LastLayer{{TrainInputs: cs[0].Train[0], TrainGradients: cs[0].Train[1], QueryInputs: cs[0].Query[0], QueryGradients: cs[0].Query[1], Rate: 1}}, true, false, o)
			require.NoError(t, err)
			return s, n, q
		}, influencetest.Options{})
	}
}

func TestCheckpointsThatDoNotFit(t *testing.T) {
	a, b := randomTable(1, 3, 4).in(t, dataset.Float32), randomTable(1, 2, 4).in(t, dataset.Float32)
	_, err := influence.TracIn([]influence.Checkpoint{{Train: []influence.Vectors{a, a}, Query: []influence.Vectors{a}}}, false, influence.ProductOptions{})
	require.EqualError(t, err, "checkpoint 0: 2 layers have train gradients, 1 query gradients")
	_, err = influence.TracIn([]influence.Checkpoint{{Train: []influence.Vectors{a, b}}}, true, influence.ProductOptions{})
	require.EqualError(t, err, "checkpoint 0: 3 and 2 rows")
	_, err = influence.TracInLast([]influence.LastLayer{{TrainInputs: a, TrainGradients: b}}, true, false, influence.ProductOptions{})
	require.EqualError(t, err, "checkpoint 0: train inputs and gradients: 3 and 2 rows")
	_, err = influence.TracIn(nil, false, influence.ProductOptions{})
	require.EqualError(t, err, "there are no vectors to multiply")
}
