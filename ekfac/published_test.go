package ekfac

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/sink"
	"github.com/infl-dev/infl/internal/goldentest"
)

// The numbers of this file were made by kronfluence 1.0.1 in float64, for networks whose
// weights and rows are functions of a counter: a linear layer, tanh, a linear layer and
// the cross-entropy, summed over the tokens of an example.

// A tanhNet is such a network. Weights are out × in; a nil bias is none.
type tanhNet struct {
	names  [2]string
	w1, w2 [][]float64
	b1, b2 []float64
}

// capture writes what a backward pass gives for examples, each of which is some rows.
func (n tanhNet) capture(t *testing.T, split string, examples [][][]float64, labels [][]int) *capture.Capture {
	t.Helper()
	first := capture.NewLinear(n.names[0], int64(len(n.w1[0])), int64(len(n.w1)), n.b1 != nil)
	last := capture.NewLinear(n.names[1], int64(len(n.w2[0])), int64(len(n.w2)), n.b2 != nil)
	first.RowSet, last.RowSet = "tok", "tok"
	m := capture.NewManifest(split, first, last)
	m.RowSets["tok"], m.Dtype, m.Loss.Name = capture.Ragged, "F64", "cross_entropy"
	dir := t.TempDir()
	w, err := capture.Create(dir, m, capture.WriterOptions{})
	require.NoError(t, err)
	for i, rows := range examples {
		b := capture.Batch{IDs: []int64{int64(i)}, Loss: []float64{0}, Offsets: map[string][]int64{"tok": {0, int64(len(rows))}}}
		var inputs, hidden, back, slopes []float64
		for r, row := range rows {
			h := linear(n.w1, n.b1, row)
			for k, v := range h {
				h[k] = math.Tanh(v)
			}
			slope, sum := linear(n.w2, n.b2, h), 0.0
			for k, v := range slope {
				slope[k] = math.Exp(v)
				sum += slope[k]
			}
			for k := range slope {
				slope[k] /= sum
			}
			b.Loss[0] -= math.Log(slope[labels[i][r]])
			slope[labels[i][r]]--
			for k, v := range h {
				g := 0.0
				for o, s := range slope {
					g += s * n.w2[o][k]
				}
				back = append(back, g*(1-v*v))
			}
			inputs, hidden, slopes = append(inputs, row...), append(hidden, h...), append(slopes, slope...)
		}
		b.Inputs = map[string]capture.Values{n.names[0]: {F64: inputs}, n.names[1]: {F64: hidden}}
		b.OutputGradients = map[string]capture.Values{n.names[0]: {F64: back}, n.names[1]: {F64: slopes}}
		require.NoError(t, w.Write(b))
	}
	require.NoError(t, w.Close())
	return openCapture(t, dir)
}

func linear(w [][]float64, b, x []float64) []float64 {
	out := make([]float64, len(w))
	for o, row := range w {
		for i, v := range x {
			out[o] += row[i] * v
		}
		if b != nil {
			out[o] += b[o]
		}
	}
	return out
}

// The options of most listings: a tenth of the mean eigenvalue, and rank 1.
var (
	heuristic = ScoreOptions{CurvatureOptions: influence.CurvatureOptions{Damping: influence.Damping{Heuristic: true}}}
	rankOne   = ScoreOptions{CurvatureOptions: influence.CurvatureOptions{Damping: influence.Damping{Heuristic: true}, Rank: 1}}
)

// requirePublished compares the scores of a train capture for a query capture, or without
// one for itself, with those that were printed.
func requirePublished(t *testing.T, want []float64, all [2]*capture.Capture, f *Factors, o ScoreOptions) {
	t.Helper()
	var c influence.Checkpoint
	var names []string
	train, query := all[0], all[1]
	j := influence.Job{Train: influence.RowRange(0, train.Len()), Self: query == nil, Precision: influence.Float64}
	for _, m := range f.Modules() {
		names, c.Train = append(names, m.Name), append(c.Train, blockOf(t, train, m.Name))
		if query != nil {
			c.Query, j.Query = append(c.Query, blockOf(t, query, m.Name)), influence.RowRange(0, query.Len())
		}
	}
	s, err := Scores(f, c, names, o)
	require.NoError(t, err)
	got, err := sink.Dense(t.Context(), s, j)
	require.NoError(t, err)
	require.Len(t, got.Scores, len(want))
	for i, v := range want {
		require.InEpsilon(t, v, got.Scores[i], 1e-9)
	}
}

func blockOf(t *testing.T, c *capture.Capture, module string) influence.Vectors {
	v, err := c.Gradients(module, dataset.Float64, 1)
	require.NoError(t, err)
	return v
}

// single makes an example of each row.
func single(rows [][]float64, labels ...int) (examples [][][]float64, of [][]int) {
	for i, row := range rows {
		examples, of = append(examples, [][]float64{row}), append(of, []int{labels[i]})
	}
	return examples, of
}

func TestRowsOfPublishedPackages(t *testing.T) {
	counted := goldentest.CountedRows
	net := tanhNet{[2]string{"0", "2"}, counted(3, 5, 4, 1), counted(5, 3, 5, 2), counted(4, 1, 5, 1)[0], counted(6, 1, 3, 1)[0]}
	rows, labels := single(counted(1, 6, 4, 2), 0, 1, 2, 0, 1, 2)
	train := net.capture(t, "train", rows, labels)
	rows, labels = single(counted(2, 2, 4, 2), 1, 2)
	query := net.capture(t, "query", rows, labels)
	f, err := Fit(t.Context(), train, FitOptions{})
	require.NoError(t, err)
	diagonal, err := Fit(t.Context(), train, FitOptions{Method: Diagonal})
	require.NoError(t, err)

	lambda, err := f.tensors.matrix(lambdaMatrix, "2")
	require.NoError(t, err)
	for _, v := range lambda.Row(0) { // gradients of a softmax sum to 0
		require.Less(t, v, 1e-14)
	}
	assertClose(t, []float64{
		3.0879729617e-06, 0.00241205275131, 0.0112188659761, 0.0516782131451, 0.277240665917, 2.97851259051,
		4.01150119484e-06, 0.00366330850656, 0.00892228026029, 0.0619512132569, 0.162453431769, 2.99370834936,
	}, lambda.Data[6:], 1e-11)
	c, err := f.Curvature(t.Context(), "2", KFAC, Exact)
	require.NoError(t, err)
	assertClose(t, []float64{1.65253469351e-06, 0.00147467216032, 0.00551384421664, 0.0257548644216, 0.121171637656, 1.48270572651}, c.Input.Values, 1e-11)
	assertClose(t, []float64{0, 0.328953653256, 0.341527382071}, c.Output.Values, 1e-11)

	all := [2]*capture.Capture{train, query}
	requirePublished(t, []float64{
		-0.00168295819222, 2.02656065825, -1.33844859734, -0.383632747515, 1.14821789991, -1.32807529084,
		-0.801204290436, -0.723513201475, 1.79679709573, -0.280092252246, -0.723224477519, 2.05850271906,
	}, all, f, ScoreOptions{Strategy: Identity})
	requirePublished(t, []float64{1.83797978128, 1.76553276452, 3.09344206505, 1.68357193072, 1.12456854153, 2.57910276849},
		[2]*capture.Capture{train}, f, ScoreOptions{Strategy: Identity})
	requirePublished(t, []float64{
		-1.02197503873, 42.3894517408, 3.39446418902, -4.09953324319, 17.5176219881, -0.332346520641,
		-1.53403945853, 4.58544866369, 25.0065087182, -1.02490054426, 2.4415783748, 36.4580976441,
	}, all, diagonal, heuristic)
	requirePublished(t, []float64{
		1.4906250756, 22.5305817586, 7.73464223192, 3.13421005403, -3.03365843755, 2.36876872952,
		0.446943356967, -2.22864914625, 15.6188737493, 1.05829272027, 3.90659249914, 20.3525576986,
	}, all, f, ScoreOptions{Strategy: KFAC, Form: Compat, CurvatureOptions: heuristic.CurvatureOptions})
	requirePublished(t, []float64{
		0.0743912246409, 23.2679760469, 6.11086848765, 3.0091136978, -3.56618936599, 0.0390325324806,
		-0.704756389476, -3.19121354062, 16.9729066777, 1.12170751379, 5.54961371451, 20.4241148994,
	}, all, f, heuristic)
	requirePublished(t, []float64{21.0598754421, 17.4531763676, 13.5552051913, 12.7345133093, 7.74501930528, 12.6571993607}, [2]*capture.Capture{train}, f, heuristic)
	requirePublished(t, []float64{
		0.886914767713, 18.7194822171, 4.49108908149, 1.66695591725, -1.226821053, -1.08934124552,
		-1.03293325907, -2.63414773086, 13.3054672558, 0.735702025612, 3.48643107509, 16.2120885978,
	}, all, f, ScoreOptions{CurvatureOptions: influence.CurvatureOptions{Damping: influence.Damping{Value: 0.01}}})
	requirePublished(t, []float64{
		0.550439454671, 24.4166661924, 5.16630177114, 2.91116966589, -2.3079987783, -1.84532396989,
		-1.42833318782, -3.35279436408, 17.5523185296, 1.20214358151, 4.74420351149, 21.6782989873,
	}, all, f, rankOne)
}

// TestTokensOfPublishedPackages has three tokens each; the last one of each third
// example is masked.
func TestTokensOfPublishedPackages(t *testing.T) {
	counted := goldentest.CountedRows
	words := counted(11, 5, 4, 2)
	net := tanhNet{[2]string{"fc", "out"}, counted(12, 3, 4, 2), counted(14, 5, 3, 2), counted(13, 1, 3, 1)[0], nil}
	sequences := func(n int, word, label func(i, t int) int) (examples [][][]float64, labels [][]int) {
		for i := range n {
			tokens := 3
			if i%3 == 0 {
				tokens = 2
			}
			var rows [][]float64
			var of []int
			for t := range tokens {
				rows, of = append(rows, words[word(i, t)%5]), append(of, label(i, t)%5)
			}
			examples, labels = append(examples, rows), append(labels, of)
		}
		return examples, labels
	}
	rows, labels := sequences(6, func(i, t int) int { return 3*i + 2*t + 1 }, func(i, t int) int { return 2*i + t + 2 })
	train := net.capture(t, "train", rows, labels)
	rows, labels = sequences(2, func(i, t int) int { return 2*i + 3*t + 4 }, func(i, t int) int { return i + 2*t + 1 })
	query := net.capture(t, "query", rows, labels)
	f, err := Fit(t.Context(), train, FitOptions{})
	require.NoError(t, err)
	for _, m := range f.Modules() {
		require.EqualValues(t, 16, m.Rows)
		require.EqualValues(t, 6, m.Examples)
	}
	for file, want := range map[string][]float64{
		inputCovariance: {
			3.13266056332, -1.83306907009, 0.572188001779, -0.355233987848, -1.66112627555,
			-1.83306907009, 7.53139507381, 0.812252404388, 2.59470604196, -0.953277399298,
			0.572188001779, 0.812252404388, 2.30458157659, 0.842222046206, -1.2444502716,
			-0.355233987848, 2.59470604196, 0.842222046206, 2.41013002881, 0.207203114871,
			-1.66112627555, -0.953277399298, -1.2444502716, 0.207203114871, 16,
		},
		outputCovariance: {
			3.0905620117, -1.42132621456, 1.80280700782,
			-1.42132621456, 4.99412777093, 1.17244104725,
			1.80280700782, 1.17244104725, 2.9190253754,
		},
		lambdaMatrix: {
			0.00574095362968, 0.0603121844218, 0.0574788863402, 0.392284628522, 0.39513986029,
			0.184517758874, 0.673210445131, 0.727383913473, 3.19222827626, 2.45803875456,
			0.558331733759, 0.61356277282, 1.43359605541, 4.95652939796, 2.91517460302,
		},
	} {
		got, err := f.tensors.matrix(file, "fc")
		require.NoError(t, err)
		assertClose(t, want, got.Data, 1e-11)
	}
	all := [2]*capture.Capture{train, query}
	requirePublished(t, []float64{
		0.244976810516, -2.87767171939, -2.26331475628, 1.6965198471, -4.92682371942, 0.0787729178695,
		1.70062856974, 12.8895333805, 1.40222380502, 6.35743980518, 1.79541738874, 3.11825440364,
	}, all, f, heuristic)
	requirePublished(t, []float64{10.2526208104, 29.4415669054, 16.582018731, 22.8408545653, 20.1771830087, 25.5420363717}, [2]*capture.Capture{train}, f, heuristic)
	requirePublished(t, []float64{
		-0.174411470747, -2.00521541367, -2.4970952305, 1.0635816482, -3.86842352095, -0.139835497597,
		-0.564565008928, 12.9408795475, -2.11029995387, 5.96267009365, -1.84153893772, 1.89277183333,
	}, all, f, rankOne)
	requirePublished(t, []float64{
		-1.01414207694, -3.91917670082, -0.955539142693, 1.38441540245, -9.88671976436, -1.56297464547,
		9.24470622009, 33.9325786084, 1.48155636071, 13.9957373195, 4.58405347655, 8.39926690172,
	}, all, f, ScoreOptions{Strategy: KFAC, Form: Compat, CurvatureOptions: heuristic.CurvatureOptions})

	// The first query by the tokens of the last layer: masked ones have no rows.
	c := influence.Checkpoint{Train: []influence.Vectors{blockOf(t, train, "out")}, Query: []influence.Vectors{blockOf(t, query, "out")}}
	inputs, outputs := train.TokenRows("out")
	tokens, err := influence.Outer(inputs, outputs, false, dataset.Float64)
	require.NoError(t, err)
	c.Scored = []influence.Vectors{tokens}
	s, err := Scores(f, c, []string{"out"}, heuristic)
	require.NoError(t, err)
	got, err := sink.Dense(t.Context(), s, influence.Job{Train: influence.RowRange(0, 16), Query: influence.RowRange(0, 1), Precision: influence.Float64})
	require.NoError(t, err)
	assertClose(t, []float64{
		-0.830267166918, -0.0955104373549,
		0.203638841849, -0.226943335492, -1.55776905763,
		2.3301708223, -2.34628395728, 0.318802703366,
		0.626013118969, 0.31936882299,
		0.304671595092, 0.0185650217632, -2.54017796399,
		-0.830267166918, -0.0955104373549, 0.155348159364,
	}, got.Scores, 1e-11)
}
