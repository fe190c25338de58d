package bench

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"

	"github.com/infl-dev/infl/gbdt"
	"github.com/infl-dev/infl/influence/dataset"
)

// Size is the size of a generated problem.
type Size struct {
	Train, Query, Features, Trees, Leaves int
}

// Sizes by the value of INFL_BENCH.
var Sizes = map[string]Size{
	"smoke": {Train: 20_000, Query: 50, Features: 8, Trees: 20, Leaves: 15},
	"full":  {Train: 300_000, Query: 1000, Features: 30, Trees: 100, Leaves: 31},
}

// Problem writes a train and a query table as .npy (the label is the last
// column) and returns a binary model whose leaves are exact Newton steps on the
// train table, so that the fidelity check passes. The trees split random
// leaves at random thresholds: unbalanced, as LightGBM's are.
func Problem(dir string, s Size, seed uint64) (f *gbdt.Forest, train, query string, err error) {
	rng := rand.New(rand.NewPCG(seed, 1))
	x := make([]float64, (s.Train+s.Query)*s.Features)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	y := make([]float64, s.Train+s.Query)
	for i := range y {
		if x[i*s.Features]+0.5*rng.NormFloat64() > 0 {
			y[i] = 1
		}
	}
	f = &gbdt.Forest{
		Library: "bench", Version: "v4", K: 1, Generated: true,
		Loss:  gbdt.LossSpec{Name: "binary"},
		Train: gbdt.Training{Known: true, LearningRate: 0.1, L2: 1},
	}
	for i := range s.Features {
		f.Features = append(f.Features, gbdt.Feature{Name: fmt.Sprintf("Column_%d", i)})
	}
	margin := make([]float64, s.Train)
	for range s.Trees {
		f.Trees = append(f.Trees, fitTree(rng, s, x, y, margin))
	}
	train, query = dir+"/train.npy", dir+"/query.npy"
	if err := write(train, x[:s.Train*s.Features], y[:s.Train], s.Features); err != nil {
		return nil, "", "", err
	}
	return f, train, query, write(query, x[s.Train*s.Features:], y[s.Train:], s.Features)
}

// Label is the name of the label column of a problem's tables.
func (s Size) Label() string { return fmt.Sprintf("Column_%d", s.Features) }

func fitTree(rng *rand.Rand, s Size, x, y, margin []float64) gbdt.Tree {
	t := gbdt.Tree{Shrinkage: 0.1, RootValue: math.NaN(), Left: make([]int32, s.Leaves-1), Right: make([]int32, s.Leaves-1)}
	slots := []*int32{new(int32)}
	for i := range int32(s.Leaves - 1) {
		t.Feature = append(t.Feature, int32(rng.IntN(s.Features)))
		t.Threshold = append(t.Threshold, rng.NormFloat64())
		t.Rules = append(t.Rules, gbdt.NaNMissing)
		j := rng.IntN(len(slots))
		*slots[j] = i
		slots[j] = &t.Left[i]
		slots = append(slots, &t.Right[i])
	}
	for l, slot := range slots {
		*slot = ^int32(l)
	}
	g, h := make([]float64, s.Leaves), make([]float64, s.Leaves)
	t.LeafValue, t.LeafCount = make([]float64, s.Leaves), make([]int64, s.Leaves)
	leaf := make([]int32, len(margin))
	for i, v := range margin {
		c := int32(0)
		for c >= 0 {
			if x[i*s.Features+int(t.Feature[c])] <= t.Threshold[c] {
				c = t.Left[c]
			} else {
				c = t.Right[c]
			}
		}
		p := 1 / (1 + math.Exp(-v))
		leaf[i] = ^c
		g[^c] += p - y[i]
		h[^c] += p * (1 - p)
		t.LeafCount[^c]++
	}
	for l := range g {
		t.LeafValue[l] = -0.1 * g[l] / (h[l] + 1)
	}
	for i, l := range leaf {
		margin[i] += t.LeafValue[l]
	}
	return t
}

// write writes features and label as one .npy matrix.
func write(path string, x, y []float64, p int) (err error) {
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := out.Close(); err == nil {
			err = cerr
		}
	}()
	w := bufio.NewWriterSize(out, 1<<20)
	if err := dataset.WriteNPYHeader(w, "<f8", int64(len(y)), int64(p+1)); err != nil {
		return err
	}
	var cell [8]byte
	put := func(v float64) error {
		binary.LittleEndian.PutUint64(cell[:], math.Float64bits(v))
		_, err := w.Write(cell[:])
		return err
	}
	for i, label := range y {
		for _, v := range x[i*p : (i+1)*p] {
			if err := put(v); err != nil {
				return err
			}
		}
		if err := put(label); err != nil {
			return err
		}
	}
	return w.Flush()
}
