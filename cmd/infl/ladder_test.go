package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A ladder is a boosted model of one feature x, made here so that every row
// count and every number of trees and leaves can be had: squared loss, learning
// rate 0.5, Newton leaves, LightGBM's text. Tree t cuts x into rungs, shifted by
// t.
type ladder struct {
	rows, trees, rungs int
	queries            int
	key                func(row int) string // nil for row numbers
}

const (
	ladderWidth = 64 // x is an integer below it
	ladderRate  = 0.5
)

func (l ladder) x(row int) int { return row * 7 % ladderWidth }

// y is a multiple of 1/64, so that float32 holds it.
func (l ladder) y(row int) float64 { return float64(row*row%97-48) / 64 }

func (l ladder) keyOf(row int) string {
	if l.key != nil {
		return l.key(row)
	}
	return strconv.Itoa(row)
}

// rung returns the leaf of x in a tree.
func (l ladder) rung(tree, x int) int {
	r := 0
	for r < l.rungs-1 && float64(x) > l.cut(tree, r) {
		r++
	}
	return r
}

func (l ladder) cut(tree, r int) float64 {
	return float64((r+1)*ladderWidth/l.rungs-1) + float64(tree%3) + 0.5
}

// write makes model.txt, train.csv and query.csv in a new folder.
func (l ladder) write(t testing.TB) string {
	dir := t.TempDir()
	put := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666))
	}
	put("train.csv", l.table(0, l.rows))
	put("query.csv", l.table(l.rows, l.rows+l.queries))
	put("model.txt", l.model())
	return dir
}

func (l ladder) table(lo, hi int) string {
	var b strings.Builder
	b.WriteString("id,x,y\n")
	for row := lo; row < hi; row++ {
		fmt.Fprintf(&b, "%s,%d,%v\n", l.keyOf(row), l.x(row), l.y(row))
	}
	return b.String()
}

// model trains, and writes what LightGBM would write.
func (l ladder) model() string {
	base := 0.0
	for row := range l.rows {
		base += l.y(row)
	}
	base /= float64(l.rows)
	var count [ladderWidth]int
	var sum, fit [ladderWidth]float64 // by x: sum of y, and what the trees give
	for row := range l.rows {
		count[l.x(row)]++
		sum[l.x(row)] += l.y(row)
	}
	var b strings.Builder
	b.WriteString("tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx=0\nobjective=regression\nfeature_names=x\n")
	fmt.Fprintf(&b, "feature_infos=[0:%d]\ntree_sizes=%s\n\n", ladderWidth-1, strings.TrimSpace(strings.Repeat("1 ", l.trees)))
	for tree := range l.trees {
		n, value := make([]int, l.rungs), make([]float64, l.rungs)
		for x := range ladderWidth {
			r := l.rung(tree, x)
			n[r] += count[x]
			value[r] += sum[x] - float64(count[x])*(base+fit[x])
		}
		for r := range value {
			value[r] *= ladderRate / float64(max(n[r], 1))
		}
		for x := range ladderWidth {
			fit[x] += value[l.rung(tree, x)]
		}
		shrinkage := ladderRate
		if tree == 0 {
			shrinkage = 1
			for r := range value {
				value[r] += base
			}
		}
		l.writeTree(&b, tree, n, value, shrinkage)
	}
	fmt.Fprintf(&b, "end of trees\n\nfeature_importances:\nx=%d\n\nparameters:\n[boosting: gbdt]\n[objective: regression]\n[learning_rate: %v]\n"+
		"[lambda_l1: 0]\n[lambda_l2: 0]\n[boost_from_average: 1]\n\nend of parameters\n\npandas_categorical:null\n", l.trees, ladderRate)
	return b.String()
}

func (l ladder) writeTree(b *strings.Builder, tree int, n []int, value []float64, shrinkage float64) {
	inner := l.rungs - 1
	list := func(key string, n int, cell func(i int) string) {
		cells := make([]string, n)
		for i := range cells {
			cells[i] = cell(i)
		}
		fmt.Fprintf(b, "%s=%s\n", key, strings.Join(cells, " "))
	}
	constant := func(s string) func(int) string { return func(int) string { return s } }
	fmt.Fprintf(b, "Tree=%d\nnum_leaves=%d\nnum_cat=0\n", tree, l.rungs)
	list("split_feature", inner, constant("0"))
	list("split_gain", inner, constant("1"))
	list("threshold", inner, func(i int) string { return fmt.Sprint(l.cut(tree, i)) })
	list("decision_type", inner, constant("2"))
	list("left_child", inner, func(i int) string { return strconv.Itoa(^i) })
	list("right_child", inner, func(i int) string {
		if i == inner-1 {
			return strconv.Itoa(^inner)
		}
		return strconv.Itoa(i + 1)
	})
	list("leaf_value", l.rungs, func(i int) string { return strconv.FormatFloat(value[i], 'g', 17, 64) })
	list("leaf_weight", l.rungs, func(i int) string { return strconv.Itoa(n[i]) })
	list("leaf_count", l.rungs, func(i int) string { return strconv.Itoa(n[i]) })
	list("internal_value", inner, constant("0"))
	list("internal_weight", inner, constant("0"))
	list("internal_count", inner, constant("0"))
	fmt.Fprintf(b, "is_linear=0\nshrinkage=%v\n\n\n", shrinkage)
}
