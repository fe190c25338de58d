package influence_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/internal/goldentest"
)

// The numbers of this file were made by the packages that it names, in float64, for a
// network whose weights and rows are functions of a counter: two linear layers, 4-5-3,
// tanh between them, the cross-entropy of 6 train and 2 query rows.

// network is what a backward pass through the network gives for some rows.
type network struct {
	first, last   table // gradients of the two layers, weights and bias
	features      table // inputs of the last layer
	slopes        table // gradients of its outputs
	ofLabel       []float64
	marginVectors table // gradients of the margin, by √43
}

func runNetwork(x [][]float64, labels []int) network {
	w1, b1 := goldentest.CountedRows(3, 5, 4, 1), goldentest.CountedRows(4, 1, 5, 1)[0]
	w2, b2 := goldentest.CountedRows(5, 3, 5, 2), goldentest.CountedRows(6, 1, 3, 1)[0]
	n := network{first: table{cols: 25}, last: table{cols: 18}, features: table{cols: 5}, slopes: table{cols: 3}, marginVectors: table{cols: 43}}
	for i, row := range x {
		hidden := make([]float64, 5)
		for h := range hidden {
			hidden[h] = math.Tanh(dot(w1[h], row) + b1[h])
		}
		logits, sum := make([]float64, 3), 0.0
		for k := range logits {
			logits[k] = math.Exp(dot(w2[k], hidden) + b2[k])
			sum += logits[k]
		}
		slope, margin := make([]float64, 3), make([]float64, 3)
		p := logits[labels[i]] / sum
		for k := range slope {
			slope[k], margin[k] = logits[k]/sum, -logits[k]/sum/(1-p)
		}
		slope[labels[i]]--
		margin[labels[i]] = 1
		// layers returns the gradients of both layers for slopes of the logits.
		layers := func(slope []float64) (first, last []float64) {
			for h, v := range hidden {
				back := 0.0
				for k := range slope {
					back += slope[k] * w2[k][h]
				}
				back *= 1 - v*v
				for _, in := range row {
					first = append(first, back*in)
				}
				first = append(first, back)
			}
			for _, s := range slope {
				for _, v := range hidden {
					last = append(last, s*v)
				}
				last = append(last, s)
			}
			return first, last
		}
		first, last := layers(slope)
		n.first.rows, n.last.rows = append(n.first.rows, first), append(n.last.rows, last)
		n.features.rows, n.slopes.rows = append(n.features.rows, hidden), append(n.slopes.rows, slope)
		n.ofLabel = append(n.ofLabel, 1-p)
		first, last = layers(margin)
		all := append(first, last...)
		for j := range all {
			all[j] /= math.Sqrt(43)
		}
		n.marginVectors.rows = append(n.marginVectors.rows, all)
	}
	return n
}

func transposed(m [][]float64) [][]float64 {
	out := make([][]float64, len(m[0]))
	for j := range out {
		for i := range m {
			out[j] = append(out[j], m[i][j])
		}
	}
	return out
}

// requirePublished compares with twelve printed digits.
func requirePublished(t *testing.T, want [][]float64, s influence.Scorer, j influence.Job) {
	t.Helper()
	got := matrix(t, s, j)
	require.Len(t, got, len(want))
	for e := range want {
		for i := range want[e] {
			require.InEpsilon(t, want[e][i], got[e][i], 1e-9, "query entry %d, train row %d", e, i)
		}
	}
}

func TestScoresOfPublishedPackages(t *testing.T) {
	train, query := runNetwork(goldentest.CountedRows(1, 6, 4, 2), []int{0, 1, 2, 0, 1, 2}), runNetwork(goldentest.CountedRows(2, 2, 4, 2), []int{1, 2})
	both := influence.Checkpoint{
		Train: []influence.Vectors{train.first.in(t, "float64"), train.last.in(t, "float64")},
		Query: []influence.Vectors{query.first.in(t, "float64"), query.last.in(t, "float64")},
		Rate:  1,
	}
	j := wholeJob(both.Train[0], both.Query[0], influence.Float64)
	self := j
	self.Self = true

	t.Run("kronfluence identity", func(t *testing.T) {
		s, err := influence.TracIn([]influence.Checkpoint{both}, false, influence.ProductOptions{})
		require.NoError(t, err)
		requirePublished(t, [][]float64{
			{-0.00168295819222, 2.02656065825, -1.33844859734, -0.383632747515, 1.14821789991, -1.32807529084},
			{-0.801204290436, -0.723513201475, 1.79679709573, -0.280092252246, -0.723224477519, 2.05850271906},
		}, s, j)
		requirePublished(t, [][]float64{{1.83797978128, 1.76553276452, 3.09344206505, 1.68357193072, 1.12456854153, 2.57910276849}}, s, self)
	})
	t.Run("captum TracInCP", func(t *testing.T) {
		c := both
		c.Rate = 0.1
		s, err := influence.TracIn([]influence.Checkpoint{c}, false, influence.ProductOptions{})
		require.NoError(t, err)
		requirePublished(t, [][]float64{
			{-0.000168295819222, 0.202656065825, -0.133844859734, -0.0383632747515, 0.114821789991, -0.132807529084},
			{-0.0801204290436, -0.0723513201475, 0.179679709573, -0.0280092252246, -0.0723224477519, 0.205850271906},
		}, s, j)
	})
	t.Run("captum TracInCPFast", func(t *testing.T) {
		s, err := influence.TracInLast([]influence.LastLayer{{
			TrainInputs: train.features.in(t, "float64"), TrainGradients: train.slopes.in(t, "float64"),
			QueryInputs: query.features.in(t, "float64"), QueryGradients: query.slopes.in(t, "float64"), Rate: 0.1,
		}}, false, false, influence.ProductOptions{})
		require.NoError(t, err)
		requirePublished(t, [][]float64{
			{-0.00289608285991, 0.0284172428099, -0.0113645644891, -0.00675728352531, 0.0137465573244, -0.0114054648787},
			{-0.00635409912674, -0.0105446531009, 0.0213174894593, -0.00559883147408, -0.00931066177489, 0.0158913613071},
		}, s, j)
	})
	t.Run("dattri DataInf", func(t *testing.T) {
		s, err := influence.DataInf(both, influence.CurvatureOptions{Damping: influence.Damping{Value: 0.05}})
		require.NoError(t, err)
		requirePublished(t, transposed([][]float64{
			{-0.185309883304, -9.45468855025}, {27.4199158693, -6.83406348634}, {-12.8393576887, 22.1761865996},
			{-3.40076543675, -3.71216415346}, {12.1119684752, -6.88885314094}, {-14.0311705778, 26.53372982},
		}), s, j)
	})
	t.Run("TRAK", func(t *testing.T) {
		weights, err := influence.VectorsOf(train.ofLabel, 1)
		require.NoError(t, err)
		s, err := influence.Trak([]influence.TrakModel{{
			Train: train.marginVectors.in(t, "float64"), Query: query.marginVectors.in(t, "float64"), OutToLoss: weights,
		}}, influence.Damping{Value: 0.01}, true, influence.ProductOptions{})
		require.NoError(t, err)
		requirePublished(t, transposed([][]float64{
			{-0.00521298689698, 0.0278007000187}, {0.105914585933, -0.00357717675804}, {0.0219637877082, 0.0696901638028},
			{0.0258406729824, 0.0213659406035}, {0.00629177586214, 0.0522975941201}, {-0.0352019711002, 0.128445259906},
		}), s, j)
	})
}
