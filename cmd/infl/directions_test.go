package main

import (
	"context"
	"math"
	"path/filepath"
	"slices"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/model"
)

// steps MODEL TABLE LABEL DIRECTIONS MATRIX moves the weights of a model along the
// direction of each query, both ways, and checks that the losses of all rows change as the
// scores say.
func steps(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 5 {
		ts.Fatalf("usage: steps MODEL TABLE LABEL DIRECTIONS MATRIX")
	}
	m, err := model.Load(ts.MkAbs(args[0]))
	ts.Check(err)
	data, err := model.ReadTable(context.Background(), ts.MkAbs(args[1]), model.Columns{Label: args[2], Classify: true}, model.TableOptions{})
	ts.Check(err)
	scores := readNumbers(ts, args[4], "")
	files, err := filepath.Glob(filepath.Join(ts.MkAbs(args[3]), "*.safetensors"))
	ts.Check(err)
	if len(files) == 0 || len(files)*data.Len() != len(scores) {
		ts.Fatalf("%d directions and %d rows for %d scores", len(files), data.Len(), len(scores))
	}
	largest := math.Abs(slices.MaxFunc(scores, func(a, b float64) int { return int(math.Copysign(1, math.Abs(a)-math.Abs(b))) }))
	const step = 1e-4
	for q, file := range files {
		ahead, behind := lossesAt(ts, m, data, file, -step), lossesAt(ts, m, data, file, step)
		for i := range ahead {
			change, score := (behind[i]-ahead[i])/(2*step), scores[q*data.Len()+i]
			if math.Abs(change-score) > 1e-5*largest {
				ts.Fatalf("query %d: the loss of row %d falls by %v along the direction, its score is %v", q, i, change, score)
			}
		}
	}
}

// lossesAt returns the losses of rows for weights that are moved by so many directions.
func lossesAt(ts *testscript.TestScript, m *model.Model, data *model.Data, file string, times float64) []float64 {
	moved := *m
	moved.Layers = slices.Clone(m.Layers)
	for i := range moved.Layers {
		l := &moved.Layers[i]
		l.Theta = slices.Clone(l.Theta)
		weight, bias := readNumbers(ts, file, l.Name+".weight"), readNumbers(ts, file, l.Name+".bias")
		for o := range l.Out {
			row := l.Theta[o*(l.In+1):]
			for j := range l.In {
				row[j] += times * weight[o*l.In+j]
			}
			row[l.In] += times * bias[o]
		}
	}
	losses, err := moved.Losses(context.Background(), data, 1)
	ts.Check(err)
	return losses
}

// readNumbers reads a tensor of a file.
func readNumbers(ts *testscript.TestScript, path, name string) []float64 {
	m, err := dataset.OpenMatrix(ts.MkAbs(path), dataset.MatrixOptions{Name: name})
	ts.Check(err)
	x, err := influence.ReadVectors(context.Background(), m)
	ts.Check(err)
	ts.Check(m.Close())
	return x
}
