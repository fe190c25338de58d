package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/evaluate"
)

// Names of the files of subsets and of what was trained on them.
const (
	masksName  = "masks.npy"
	lossesName = "losses.npy"
)

// ldsProtocol compares sums of scores with models trained on random subsets.
var ldsProtocol = &protocol{
	name:    "lds",
	metrics: []string{"lds", "lds_low", "lds_high", "noise_ceiling", "split_half", "undefined_queries"},
	flags:   []string{"--trainer", "--masks", "--losses"},
	matrix:  true,
	validate: func(o *EvalOptions) error {
		switch {
		case o.Losses != "" && o.Masks == "":
			return errors.New("--losses are those of --masks; name both")
		case o.Losses != "" && o.Trainer != "":
			return errors.New("--losses take the place of --trainer; leave one of them out")
		case o.Losses == "" && o.Trainer == "":
			return errors.New("--trainer is needed: cmd:PROGRAM ARGUMENTS, which trains on subsets; or --masks and --losses of subsets that are trained already")
		}
		return nil
	},
	trainings: func(_ context.Context, e *evaluation) (int64, error) {
		masks, err := e.masks()
		return int64(len(masks)) * int64(e.options.Repeats), err
	},
	evaluate: func(ctx context.Context, e *evaluation) (*findings, error) {
		masks, err := e.masks()
		if err != nil {
			return nil, err
		}
		losses, err := e.losses(ctx, masks)
		if err != nil {
			return nil, err
		}
		return e.lds(ctx, masks, losses)
	},
}

// lds compares the scores with the losses.
func (e *evaluation) lds(ctx context.Context, masks [][]bool, losses [][][]float64) (*findings, error) {
	var predictions [][]float64
	for scores, err := range e.scores.queries(ctx) {
		if err != nil {
			return nil, err
		}
		p, err := evaluate.Predict(masks, scores)
		if err != nil {
			return nil, err
		}
		predictions = append(predictions, p)
	}
	r, err := evaluate.LDS(predictions, losses, evaluate.LDSOptions{Bootstrap: e.options.Bootstrap, Seed: e.options.Seed})
	if err != nil {
		return nil, err
	}
	if len(losses) == 1 {
		e.warn("one repeat of each training does not tell how much of the losses is noise; --repeats 2 or more gives the noise ceiling")
	}
	f := &findings{
		series: &Table{Fields: []string{"query_row", "lds"}},
		arrays: map[string]array{masksName: {"|b1", maskNumbers(masks)}, lossesName: {"<f8", lossNumbers(losses)}},
	}
	for q, v := range r.PerQuery {
		f.series.Add(q, metric(v).value())
	}
	f.metrics = e.metrics(map[string]metric{
		"lds": metric(r.Mean), "lds_low": metric(r.Low), "lds_high": metric(r.High),
		"noise_ceiling": metric(r.Ceiling), "split_half": metric(r.SplitHalf), "undefined_queries": metric(r.Undefined),
	}, map[string]any{"subsets": len(masks), "subset_share": share(masks), "repeats": len(losses), "bootstrap": e.options.Bootstrap})
	return f, nil
}

// share is the mean share of rows in the subsets.
func share(masks [][]bool) float64 {
	in := 0
	for _, mask := range masks {
		for _, v := range mask {
			if v {
				in++
			}
		}
	}
	return float64(in) / float64(len(masks)*len(masks[0]))
}

// masks reads the subsets, or draws them.
func (e *evaluation) masks() ([][]bool, error) {
	o := e.options
	if o.Masks == "" {
		return evaluate.DrawSubsets(e.n(), o.Subsets, o.SubsetShare, o.Seed)
	}
	a, err := dataset.ReadNumbers(o.Masks)
	if err != nil {
		return nil, err
	}
	if len(a.Shape) != 2 || a.Shape[1] != e.n() || a.Shape[0] < 2 {
		return nil, fmt.Errorf("%s: has the shape %v; subsets × %d train rows are needed", o.Masks, a.Shape, e.n())
	}
	masks := make([][]bool, a.Shape[0])
	for j := range masks {
		masks[j] = make([]bool, e.n())
		for i := range masks[j] {
			v := a.Values[int64(j)*e.n()+int64(i)]
			if v != 0 && v != 1 {
				return nil, fmt.Errorf("%s: row %d of subset %d is %v; masks are 0 and 1, or bool", o.Masks, i, j, v)
			}
			masks[j][i] = v == 1
		}
		if !slices.Contains(masks[j], true) {
			return nil, fmt.Errorf("%s: subset %d has no rows", o.Masks, j)
		}
	}
	return masks, nil
}

// losses reads losses[s][j][e], repeat by subset by query, or trains.
func (e *evaluation) losses(ctx context.Context, masks [][]bool) ([][][]float64, error) {
	o := e.options
	if o.Losses == "" {
		return e.experiment().Subsets(ctx, masks)
	}
	a, err := dataset.ReadNumbers(o.Losses)
	if err != nil {
		return nil, err
	}
	m, q, repeats := int64(len(masks)), e.q(), int64(1)
	if len(a.Shape) == 3 {
		repeats = a.Shape[1]
	}
	if len(a.Shape) != 2 && len(a.Shape) != 3 || a.Shape[0] != m || a.Shape[len(a.Shape)-1] != q || repeats < 1 {
		return nil, fmt.Errorf("%s: has the shape %v; %d subsets × %d queries, or subsets × repeats × queries, are needed", o.Losses, a.Shape, m, q)
	}
	out := make([][][]float64, repeats)
	for s := range out {
		out[s] = make([][]float64, m)
		for j := range out[s] {
			at := (int64(j)*repeats + int64(s)) * q
			out[s][j] = a.Values[at : at+q]
		}
	}
	return out, nil
}

// maskNumbers are subsets × train rows.
func maskNumbers(masks [][]bool) dataset.Numbers {
	out := dataset.Numbers{Shape: []int64{int64(len(masks)), int64(len(masks[0]))}}
	for _, mask := range masks {
		for _, in := range mask {
			v := 0.0
			if in {
				v = 1
			}
			out.Values = append(out.Values, v)
		}
	}
	return out
}

// lossNumbers are subsets × repeats × queries.
func lossNumbers(losses [][][]float64) dataset.Numbers {
	out := dataset.Numbers{Shape: []int64{int64(len(losses[0])), int64(len(losses)), int64(len(losses[0][0]))}}
	for j := range losses[0] {
		for s := range losses {
			out.Values = append(out.Values, losses[s][j]...)
		}
	}
	return out
}
