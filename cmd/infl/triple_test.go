package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A triple is a softmax model of three classes over one feature x, made here by
// its definition: as many rows of each class, so that every initial score is
// log(1/3), and Newton leaves with LightGBM's factor K/(K−1) on the Hessian.
type triple struct{ iterations int }

const tripleRows = 240

var tripleClasses = []string{"red", "green", "blue"}

// ladder is the triple's feature and the shape of its trees.
func (m triple) ladder() ladder {
	return ladder{rows: tripleRows, trees: 3 * m.iterations, rungs: 4, queries: 9}
}

// class depends on x, but not only.
func (m triple) class(row int) int { return row % 3 }

func (m triple) write(t testing.TB) string {
	dir := t.TempDir()
	l := m.ladder()
	table := func(name string, lo, hi int) {
		var b strings.Builder
		b.WriteString("id,x,note,colour\n")
		for row := lo; row < hi; row++ {
			fmt.Fprintf(&b, "r%d,%d,n%d,%s\n", row, l.x(row), row%5, tripleClasses[m.class(row)])
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(b.String()), 0o666))
	}
	table("train.csv", 0, tripleRows)
	table("query.csv", tripleRows, tripleRows+l.queries)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "model.txt"), []byte(m.model()), 0o666))
	return dir
}

// model trains, and writes what LightGBM would write.
func (m triple) model() string {
	l := m.ladder()
	base := math.Log(1.0 / 3)
	margin := make([][3]float64, tripleRows)
	var b strings.Builder
	b.WriteString("tree\nversion=v4\nnum_class=3\nnum_tree_per_iteration=3\nlabel_index=0\nmax_feature_idx=0\nobjective=multiclass num_class:3\nfeature_names=x\n")
	fmt.Fprintf(&b, "feature_infos=[0:%d]\ntree_sizes=%s\n\n", ladderWidth-1, strings.TrimSpace(strings.Repeat("1 ", l.trees)))
	for i := range margin {
		margin[i] = [3]float64{base, base, base}
	}
	for t := range m.iterations {
		before := append([][3]float64(nil), margin...)
		for c := range tripleClasses {
			m.tree(&b, t, c, before, margin)
		}
	}
	fmt.Fprintf(&b, "end of trees\n\nfeature_importances:\nx=1\n\nparameters:\n[boosting: gbdt]\n[objective: multiclass]\n[num_class: 3]\n[learning_rate: %v]\n"+
		"[lambda_l1: 0]\n[lambda_l2: 0]\n[boost_from_average: 1]\n\nend of parameters\n\npandas_categorical:null\n", ladderRate)
	return b.String()
}

// tree fits the tree of a class to the margins before the iteration, adds it to
// margin and writes it.
func (m triple) tree(b *strings.Builder, t, c int, before, margin [][3]float64) {
	l := m.ladder()
	number := 3*t + c
	n, g, h := make([]int, l.rungs), make([]float64, l.rungs), make([]float64, l.rungs)
	for row, f := range before {
		sum := math.Exp(f[0]) + math.Exp(f[1]) + math.Exp(f[2])
		p := math.Exp(f[c]) / sum
		r := l.rung(number, l.x(row))
		n[r]++
		h[r] += 1.5 * p * (1 - p)
		g[r] += p
		if m.class(row) == c {
			g[r]--
		}
	}
	value := make([]float64, l.rungs)
	for r := range value {
		value[r] = -ladderRate * g[r] / h[r]
	}
	for row := range margin {
		margin[row][c] += value[l.rung(number, l.x(row))]
	}
	shrinkage := ladderRate
	if t == 0 {
		shrinkage = 1
		for r := range value {
			value[r] += math.Log(1.0 / 3)
		}
	}
	l.writeTree(b, number, n, value, shrinkage)
}
