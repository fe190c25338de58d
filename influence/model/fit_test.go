package model_test

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence/model"
)

// TestBitsDependOnNothing trains with several numbers of workers.
func TestBitsDependOnNothing(t *testing.T) {
	for kind, classes := range map[model.Kind]int{model.Ridge: 0, model.Softmax: 4, model.MLP: 4} {
		d := randomData(4, 3000, 40, classes)
		var first []model.Layer
		for _, workers := range []int{1, 2, 5} {
			m, err := model.Fit(t.Context(), d, model.Options{Kind: kind, L2: 0.01, Hidden: []int{50}, Epochs: 2, BatchSize: 500, Workers: workers, Standardize: true}, model.Subset{})
			require.NoError(t, err)
			if first == nil {
				first = m.Layers
			}
			require.Equal(t, first, m.Layers, "%s with %d workers", kind, workers)
		}
	}
}

// TestPerceptronsLearn: each optimizer tells the classes apart, and a perceptron
// without hidden layers goes where softmax regression goes.
func TestPerceptronsLearn(t *testing.T) {
	d := randomData(6, 400, 3, 2)
	for _, o := range []model.Optimizer{model.SGD, model.Momentum, model.Adam} {
		rate := map[model.Optimizer]float64{model.SGD: 0.2, model.Momentum: 0.05, model.Adam: 0.01}[o]
		m, err := model.Fit(t.Context(), d, model.Options{Kind: model.MLP, Hidden: []int{24}, Optimizer: o, LearningRate: rate, Epochs: 150}, model.Subset{})
		require.NoError(t, err)
		classes, err := m.Predict(t.Context(), d, 1)
		require.NoError(t, err)
		right := 0
		for i, c := range classes {
			if float64(c) == d.Y[i] {
				right++
			}
		}
		require.Greater(t, right, 290, o) // The larger class has 260.
	}
	convex, err := model.Fit(t.Context(), d, model.Options{Kind: model.Softmax, L2: 0.1}, model.Subset{})
	require.NoError(t, err)
	linear, err := model.Fit(t.Context(), d, model.Options{Kind: model.MLP, L2: 0.1, BatchSize: 400, Epochs: 2000, LearningRate: 0.5}, model.Subset{})
	require.NoError(t, err)
	require.Less(t, worst(linear.Layers[0].Theta, convex.Layers[0].Theta), 1e-9)
}

// TestSubsetsAreTrainingsOfTheirRows: but for the order of rows, leaving rows out is
// training on the others.
func TestSubsetsAreTrainingsOfTheirRows(t *testing.T) {
	d := randomData(7, 50, 4, 3)
	alone := &model.Data{X: d.X[:120], Y: d.Y[:30]}
	rows := make([]int64, 30)
	for i := range rows {
		rows[i] = int64(i)
	}
	for _, kind := range []model.Kind{model.Ridge, model.Softmax, model.MLP} {
		o := model.Options{Kind: kind, L2: 0.05, Hidden: []int{3}}
		want, err := model.Fit(t.Context(), alone, o, model.Subset{})
		require.NoError(t, err)
		got, err := model.Fit(t.Context(), d, o, model.Subset{Rows: rows})
		require.NoError(t, err)
		require.Equal(t, want.Layers, got.Layers, kind)
		require.EqualValues(t, 30, got.Training.Rows)
	}
}

func TestCheckpointsAreMomentsOfTraining(t *testing.T) {
	d := randomData(8, 60, 3, 2)
	o := model.Options{Kind: model.MLP, Hidden: []int{4}, Epochs: 3}
	var seen []*model.Model
	o.Checkpoint = func(m *model.Model) error {
		seen = append(seen, m)
		return nil
	}
	last, err := model.Fit(t.Context(), d, o, model.Subset{})
	require.NoError(t, err)
	require.Len(t, seen, 3)
	require.Equal(t, last, seen[2])
	o.Epochs, o.Checkpoint = 1, nil
	first, err := model.Fit(t.Context(), d, o, model.Subset{})
	require.NoError(t, err)
	require.Equal(t, first, seen[0])
	enough := errors.New("enough")
	o.Checkpoint = func(*model.Model) error { return enough }
	_, err = model.Fit(t.Context(), d, o, model.Subset{})
	require.ErrorIs(t, err, enough)
}

func TestFitRefuses(t *testing.T) {
	d := randomData(9, 20, 3, 2)
	with := func(change func(*model.Data)) *model.Data {
		out := &model.Data{X: append([]float64(nil), d.X...), Y: append([]float64(nil), d.Y...)}
		change(out)
		return out
	}
	softmax := model.Options{Kind: model.Softmax, L2: 0.1}
	for want, x := range map[string]struct {
		data    *model.Data
		options model.Options
		subset  model.Subset
	}{
		`the kind "forest" is not known`:              {d, model.Options{Kind: "forest"}, model.Subset{}},
		"an L2 regularisation of NaN":                 {d, model.Options{Kind: model.Ridge, L2: math.NaN()}, model.Subset{}},
		"a learning rate of -1":                       {d, model.Options{Kind: model.MLP, LearningRate: -1}, model.Subset{}},
		"a hidden layer with 0 outputs":               {d, model.Options{Kind: model.MLP, Hidden: []int{0}}, model.Subset{}},
		"there are no rows":                           {&model.Data{}, softmax, model.Subset{}},
		"feature 1 of row 2 is NaN":                   {with(func(d *model.Data) { d.X[7] = math.NaN() }), softmax, model.Subset{}},
		"the label of row 3 is +Inf":                  {with(func(d *model.Data) { d.Y[3] = math.Inf(1) }), softmax, model.Subset{}},
		"the label of row 4 is 0.5":                   {with(func(d *model.Data) { d.Y[4] = 0.5 }), softmax, model.Subset{}},
		"the label of row 5 is -1":                    {with(func(d *model.Data) { d.Y[5] = -1 }), softmax, model.Subset{}},
		"all labels are of one class":                 {with(func(d *model.Data) { clear(d.Y) }), softmax, model.Subset{}},
		"there are 1 names for 3 features":            {with(func(d *model.Data) { d.Features = []string{"a"} }), softmax, model.Subset{}},
		"59 features do not make 20 rows":             {with(func(d *model.Data) { d.X = d.X[1:] }), softmax, model.Subset{}},
		"row 20 follows 3":                            {d, softmax, model.Subset{Rows: []int64{3, 20}}},
		"row 3 follows 3":                             {d, softmax, model.Subset{Rows: []int64{3, 3}}},
		"all rows are left out":                       {d, softmax, model.Subset{Rows: []int64{}}},
		"a denominator of -2":                         {d, softmax, model.Subset{Denominator: -2}},
		"the features of the 2 rows do not determine": {d, model.Options{Kind: model.Ridge}, model.Subset{Rows: []int64{1, 2}}},
		"use an L2 regularisation above 0":            {with(func(d *model.Data) { d.Y = append(make([]float64, 19), 1) }), model.Options{Kind: model.Softmax}, model.Subset{}},
		"use a smaller learning rate":                 {with(func(d *model.Data) { d.X[0] = 1e200 }), model.Options{Kind: model.MLP, LearningRate: 1e200}, model.Subset{}},
		"the model to start from has another number":  {d, softmax, model.Subset{Start: &model.Model{}}},
	} {
		_, err := model.Fit(t.Context(), x.data, x.options, x.subset)
		require.ErrorContains(t, err, want, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, kind := range model.Kinds() {
		_, err := model.Fit(ctx, d, model.Options{Kind: kind, L2: 0.1}, model.Subset{})
		require.ErrorIs(t, err, context.Canceled, kind)
	}
}
