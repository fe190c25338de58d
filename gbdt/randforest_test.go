package gbdt

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence/dataset"
)

// A problem is a small forest with random structure and exact Newton leaves,
// together with the tables that it was fitted to. It is fitted here by loops
// over rows, independently of the code under test.
type problem struct {
	forest *Forest
	loss   Loss
	x      [][]float64 // row-major
	y, w   []float64
	leaf   [][]uint32 // [tree][row]
	base   []float64
	eta    float64
	l1, l2 float64
	train  *dataset.Table
	query  *dataset.Table
	nq     int
	own    []float64   // initial score per row; nil without
	masks  *RowMasks   // nil where each iteration saw all rows
	saw    [][]bool    // [iteration][train row]
	stands [][]float64 // GOSS: how many rows a row stands for; nil without
	blend  *blend      // for refits: a row that changes its label; nil where none does
}

// A blend is a train row of which a share of the weight has another label.
type blend struct {
	row          int
	label, share float64
}

// labels are the labels of a train row with their shares of its weight.
func (p *problem) labels(row int) map[float64]float64 {
	if b := p.blend; b != nil && b.row == row {
		return map[float64]float64{p.y[row]: 1 - b.share, b.label: b.share}
	}
	return map[float64]float64{p.y[row]: 1}
}

// start returns the margins of a row before the first iteration.
func (p *problem) start(row int, base []float64) []float64 {
	f := append([]float64(nil), base...)
	if p.own != nil {
		f[0] += p.own[row]
	}
	return f
}

type problemSpec struct {
	seed     uint64
	loss     LossSpec
	k        int
	n, trees int
	weights  bool
	l1, l2   float64
	noBase   bool // boost_from_average=false
	unknown  bool // the file does not hold the parameters
	version  string
	rowBase  bool // an initial score per row
	bagged   bool // iterations see some of the rows
	noGaps   bool // no cell is missing
	goss     bool // iterations after the second see the largest gradients and some others
}

// specs cover every loss with weights, L1, and with and without initial score.
func specs() map[string]problemSpec {
	return map[string]problemSpec{
		"regression":         {seed: 1, loss: LossSpec{Name: "regression"}, k: 1, n: 60, trees: 6, l2: 1},
		"regression weights": {seed: 2, loss: LossSpec{Name: "regression"}, k: 1, n: 60, trees: 6, weights: true, noBase: true},
		"binary":             {seed: 3, loss: LossSpec{Name: "binary"}, k: 1, n: 80, trees: 7, l2: 0.5},
		"binary l1":          {seed: 4, loss: LossSpec{Name: "binary", Sigmoid: 1.5, ScalePosWeight: 2}, k: 1, n: 80, trees: 7, l1: 0.3, l2: 2, weights: true},
		"multiclass":         {seed: 5, loss: LossSpec{Name: "multiclass"}, k: 3, n: 70, trees: 4, l2: 1},
		"one versus all":     {seed: 6, loss: LossSpec{Name: "multiclassova"}, k: 3, n: 70, trees: 4, weights: true},
		"poisson":            {seed: 7, loss: LossSpec{Name: "poisson", MaxDelta: 0.7}, k: 1, n: 60, trees: 5, l2: 1},
		"gamma":              {seed: 9, loss: LossSpec{Name: "gamma"}, k: 1, n: 60, trees: 5, l2: 1, weights: true},
		"tweedie":            {seed: 10, loss: LossSpec{Name: "tweedie", TweediePower: 1.3}, k: 1, n: 60, trees: 5},
		"huber":              {seed: 11, loss: LossSpec{Name: "huber", Alpha: 0.7}, k: 1, n: 60, trees: 5, l2: 1, weights: true},
		"fair":               {seed: 12, loss: LossSpec{Name: "fair", FairC: 1.3}, k: 1, n: 60, trees: 5, l2: 1},
		"cross entropy":      {seed: 13, loss: LossSpec{Name: "cross_entropy"}, k: 1, n: 60, trees: 5, weights: true},
		"lambda":             {seed: 14, loss: LossSpec{Name: "cross_entropy_lambda"}, k: 1, n: 60, trees: 5},
		"own base":           {seed: 15, loss: LossSpec{Name: "binary"}, k: 1, n: 60, trees: 5, noBase: true, rowBase: true, weights: true},
		"bagged regression":  {seed: 16, loss: LossSpec{Name: "regression"}, k: 1, n: 60, trees: 6, l2: 1, bagged: true, weights: true},
		"bagged binary":      {seed: 17, loss: LossSpec{Name: "binary"}, k: 1, n: 80, trees: 7, l1: 0.2, l2: 0.5, bagged: true},
		"bagged multiclass":  {seed: 18, loss: LossSpec{Name: "multiclass"}, k: 3, n: 70, trees: 5, l2: 1, bagged: true},
		"bagged many rows":   {seed: 19, loss: LossSpec{Name: "binary"}, k: 1, n: 9000, trees: 3, bagged: true},
		"goss regression":    {seed: 20, loss: LossSpec{Name: "regression"}, k: 1, n: 60, trees: 6, l2: 1, goss: true, weights: true},
		"goss binary":        {seed: 21, loss: LossSpec{Name: "binary"}, k: 1, n: 80, trees: 7, l1: 0.2, l2: 0.5, goss: true},
		"goss multiclass":    {seed: 22, loss: LossSpec{Name: "multiclass"}, k: 3, n: 70, trees: 5, l2: 1, goss: true},
		"many rows":          {seed: 8, loss: LossSpec{Name: "binary"}, k: 1, n: 9000, trees: 3, weights: true},
	}
}

const features = 4

func newProblem(t testing.TB, s problemSpec) *problem {
	t.Helper()
	rng := rand.New(rand.NewPCG(s.seed, 9))
	p := &problem{eta: 0.3, l1: s.l1, l2: s.l2, nq: 9}
	p.draw(rng, s)
	p.bag(rng, s)
	var err error
	p.loss, err = s.loss.Loss(s.k, p.stats(s.k))
	require.NoError(t, err)
	p.base = make([]float64, s.k)
	if !s.noBase {
		p.base, _ = p.loss.InitialScore(p.stats(s.k))
	}
	p.forest = &Forest{Library: "test", Version: cmp.Or(s.version, "v4"), K: s.k, Loss: s.loss, Train: Training{
		Known: !s.unknown, LearningRate: p.eta, L1: s.l1, L2: s.l2, CatL2: 10, BoostFromAverage: !s.noBase,
	}}
	for f := range features {
		p.forest.Features = append(p.forest.Features, Feature{Name: fmt.Sprintf("c%d", f)})
	}
	if s.goss {
		p.stands = columns(s.trees, s.n)
		for i := range p.stands {
			fill(p.stands[i], 1)
		}
		p.forest.Train.TopRate, p.forest.Train.OtherRate = gossTop, gossOther
	}
	p.fit(rng, s)
	if s.bagged || s.goss {
		p.masks = NewRowMasks(int64(s.n), s.trees, func(row int64, t int) bool { return p.saw[t][row] })
	}
	require.NoError(t, p.forest.Validate())
	dir := t.TempDir()
	p.train = p.table(t, filepath.Join(dir, "train.csv"), 0, s.n, p.y, p.w)
	p.query = p.table(t, filepath.Join(dir, "query.csv"), s.n, len(p.x), p.y[s.n:], nil)
	p.y = p.y[:s.n]
	return p
}

// draw makes n train and nq query rows; some cells are missing or zero.
func (p *problem) draw(rng *rand.Rand, s problemSpec) {
	for range s.n + p.nq {
		row := make([]float64, features)
		for f := range row {
			row[f] = math.Round(rng.NormFloat64()*8) / 8
			if rng.IntN(12) == 0 && !s.noGaps {
				row[f] = math.NaN()
			}
		}
		y := float64(float32(rng.NormFloat64()))
		switch {
		case s.loss.Name == "poisson":
			y = float64(rng.IntN(5))
		case s.loss.Name == "gamma" || s.loss.Name == "tweedie":
			y = float64(float32(0.1 + rng.ExpFloat64()))
		case s.loss.Name == "cross_entropy" || s.loss.Name == "cross_entropy_lambda":
			y = float64(float32(rng.Float64()))
		case s.loss.Name == "binary":
			y = float64(rng.IntN(2))
		case s.k > 1:
			y = float64(rng.IntN(s.k))
		}
		p.x, p.y = append(p.x, row), append(p.y, y)
	}
	if s.rowBase {
		for range p.x {
			p.own = append(p.own, float64(float32(rng.NormFloat64())))
		}
	}
	if s.weights {
		for range s.n {
			p.w = append(p.w, float64(float32(0.2+rng.Float64()*2)))
		}
	}
}

// bag draws the rows of each iteration.
func (p *problem) bag(rng *rand.Rand, s problemSpec) {
	p.saw = make([][]bool, s.trees)
	for t := range p.saw {
		p.saw[t] = make([]bool, s.n)
		for i := range p.saw[t] {
			p.saw[t][i] = !s.bagged || rng.IntN(10) < 7
		}
	}
}

// in is 1 for a row that the iteration saw, else 0; with GOSS the number of rows
// that it stands for.
func (p *problem) in(t, row int) float64 {
	switch {
	case !p.saw[t][row]:
		return 0
	case p.stands != nil:
		return p.stands[t][row]
	}
	return 1
}

// The rates of GOSS in problems.
const gossTop, gossOther = 0.3, 0.2

// sample draws the rows of an iteration by GOSS, from the gradients and Hessians at
// its margins.
func (p *problem) sample(rng *rand.Rand, t int, g, h [][]float64) {
	n := len(g)
	size := make([]float64, n)
	for i := range g {
		for c := range g[i] {
			w := p.weight(i)
			size[i] += math.Abs(float64(float32(w*g[i][c]) * float32(w*h[i][c])))
		}
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(size[b], size[a]) })
	top, other := int(float64(n)*gossTop), int(float64(n)*gossOther)
	for top < n && size[order[top]] == size[order[top-1]] {
		top++ // Ties with the last of the largest are seen too.
	}
	rest := order[top:]
	rng.Shuffle(len(rest), func(a, b int) { rest[a], rest[b] = rest[b], rest[a] })
	factor := float64(float32(n-int(float64(n)*gossTop)) / float32(other))
	for rank, i := range order {
		p.saw[t][i], p.stands[t][i] = rank < top+other, 1
		if rank >= top {
			p.stands[t][i] = factor
		}
	}
}

func (p *problem) weight(i int) float64 {
	if p.w == nil {
		return 1
	}
	return p.w[i]
}

func (p *problem) stats(k int) LabelStats {
	n := len(p.x) - p.nq
	s := LabelStats{Rows: int64(n), ClassW: make([]float64, k)}
	for i := range n {
		s.W += p.weight(i)
		for y, share := range p.labels(i) {
			w := p.weight(i) * share
			s.WY += w * y
			if y > 0 {
				s.Positive++
				s.WPos += w
			}
			if k > 1 {
				s.ClassW[int(y)] += w
			}
		}
	}
	return s
}

// grow draws a tree of five leaves.
func grow(rng *rand.Rand) Tree {
	const inner = 4
	t := Tree{RootValue: math.NaN()}
	open := []*int32{} // child slots without a node
	for range inner {
		t.Feature = append(t.Feature, int32(rng.IntN(features)))
		t.Threshold = append(t.Threshold, math.Round(rng.NormFloat64()*4)/8)
		t.Rules = append(t.Rules, []Rule{0, NaNMissing, NaNMissing | DefaultLeft, ZeroMissing, ZeroMissing | DefaultLeft}[rng.IntN(5)])
		t.Left, t.Right = append(t.Left, 0), append(t.Right, 0)
	}
	open = append(open, &t.Left[0], &t.Right[0])
	for i := int32(1); i < inner; i++ {
		j := rng.IntN(len(open))
		*open[j] = i
		open = append(open[:j], open[j+1:]...)
		open = append(open, &t.Left[i], &t.Right[i])
	}
	for l, slot := range open {
		*slot = ^int32(l)
	}
	t.LeafValue = make([]float64, inner+1)
	return t
}

// leafOf walks one row down by the plain statement of the rules.
func leafOf(t *Tree, x []float64) uint32 {
	c := int32(0)
	for c >= 0 {
		v, rule := x[t.Feature[c]], t.Rules[c]
		missing := math.IsNaN(v) && rule&NaNMissing != 0
		if math.IsNaN(v) && rule&NaNMissing == 0 {
			v = 0
		}
		if rule&ZeroMissing != 0 && math.Abs(v) <= zeroThreshold {
			missing = true
		}
		left := v <= t.Threshold[c]
		if missing {
			left = rule&DefaultLeft != 0
		}
		if left {
			c = t.Left[c]
		} else {
			c = t.Right[c]
		}
	}
	return uint32(^c)
}

// fit makes Newton leaves iteration by iteration.
func (p *problem) fit(rng *rand.Rand, s problemSpec) {
	f := make([][]float64, s.n)
	for i := range f {
		f[i] = p.start(i, p.base)
	}
	for t := range s.trees {
		g, h := p.derive(f)
		if s.goss && t >= 2 {
			p.sample(rng, t, g, h)
		}
		for c := range s.k {
			tree := grow(rng)
			leaves := make([]uint32, len(p.x))
			for i := range p.x {
				leaves[i] = leafOf(&tree, p.x[i])
			}
			sumG, sumH := make([]float64, 5), make([]float64, 5)
			tree.LeafCount, tree.LeafWeight = make([]int64, 5), make([]float64, 5)
			for i := range s.n {
				l := leaves[i]
				if p.saw[t][i] {
					tree.LeafCount[l]++
				}
				sumG[l] += p.in(t, i) * p.weight(i) * g[i][c]
				sumH[l] += p.in(t, i) * p.weight(i) * h[i][c]
			}
			for l := range sumG {
				tree.LeafValue[l] = p.newton(sumG[l], sumH[l])
				tree.LeafWeight[l] = sumH[l]
			}
			for i := range f {
				f[i][c] += tree.LeafValue[leaves[i]]
			}
			tree.Shrinkage = p.eta
			if t == 0 && !s.noBase {
				tree.Shrinkage = 1
				for l := range tree.LeafValue {
					tree.LeafValue[l] += p.base[c]
				}
			}
			p.forest.Trees = append(p.forest.Trees, tree)
			p.leaf = append(p.leaf, leaves)
		}
	}
}

func (p *problem) newton(g, h float64) float64 {
	d := h + p.l2
	if d <= 0 {
		return 0
	}
	return -p.eta * math.Copysign(math.Max(math.Abs(g)-p.l1, 0), g) / d
}

// derive returns the library's g and h of each row at margins f[row][class].
func (p *problem) derive(f [][]float64) (g, h [][]float64) {
	for i := range f {
		gi, hi := make([]float64, len(f[i])), make([]float64, len(f[i]))
		for y, share := range p.labels(i) {
			gy, hy, _, _ := p.deriveRow(y, f[i])
			for c := range gi {
				gi[c] += share * gy[c]
				hi[c] += share * hy[c]
			}
		}
		g, h = append(g, gi), append(h, hi)
	}
	return g, h
}

func (p *problem) deriveRow(y float64, f []float64) (g, h, dg, dh []float64) {
	k := len(f)
	in := make([][]float64, k)
	d := Derivatives{single(k), single(k), single(k), single(k)}
	for c := range in {
		in[c] = []float64{f[c]}
	}
	p.loss.Derive([]float64{y}, in, d)
	flat := func(s [][]float64) (out []float64) {
		for c := range s {
			out = append(out, s[c][0])
		}
		return out
	}
	return flat(d.G), flat(d.H), flat(d.DG), flat(d.DH)
}

// theta returns a leaf's value without the initial score.
func (p *problem) theta(u int, l uint32) float64 {
	v := p.forest.Trees[u].LeafValue[l]
	if u < p.forest.K {
		v -= p.base[u]
	}
	return v
}

// table writes rows lo … hi−1 as CSV, with labels y and weights w.
func (p *problem) table(t testing.TB, path string, lo, hi int, y, w []float64) *dataset.Table {
	t.Helper()
	var b strings.Builder
	for f := range features {
		fmt.Fprintf(&b, "c%d,", f)
	}
	b.WriteString("label,weight,base\n")
	for i, row := range p.x[lo:hi] {
		for _, v := range row {
			if !math.IsNaN(v) {
				fmt.Fprint(&b, v)
			}
			b.WriteByte(',')
		}
		weight := 1.0
		if w != nil {
			weight = w[i]
		}
		fmt.Fprintf(&b, "%v,%v,%v\n", y[i], weight, p.start(lo+i, []float64{0})[0])
	}
	require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o666))
	table, err := dataset.Open(path, dataset.Options{})
	require.NoError(t, err)
	return table
}

// columns names the roles of the problem's tables.
func (p *problem) columns() Columns {
	c := Columns{Label: "label"}
	if p.w != nil {
		c.Weight = "weight"
	}
	if p.own != nil {
		c.Base = "base"
	}
	return c
}

// prepare fits the model of the code under test.
func (p *problem) prepare(t testing.TB, o PrepareOptions) (*Model, *Queries) {
	t.Helper()
	o.Columns, o.RowMasks = p.columns(), p.masks
	m, err := Prepare(t.Context(), p.forest, p.train, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	q, err := m.Queries(t.Context(), p.query, o.Columns)
	require.NoError(t, err)
	return m, q
}

func mustReadDir(t testing.TB, dir string) []os.DirEntry {
	t.Helper()
	e, err := os.ReadDir(dir)
	require.NoError(t, err)
	return e
}
