package gbdt

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/sink"
)

// maskFile writes the masks of a problem, in either order of the axes.
func maskFile(t *testing.T, p *problem, dtype string, fortran bool) string {
	t.Helper()
	n, iterations := len(p.y), len(p.saw)
	header, err := dataset.NPYHeaderBytes(dtype, int64(n), int64(iterations))
	require.NoError(t, err)
	data := make([]byte, n*iterations)
	for it := range iterations {
		for i := range n {
			at := i*iterations + it
			if fortran {
				at = it*n + i
			}
			data[at] = byte(p.in(it, i))
		}
	}
	if fortran {
		header = bytes.Replace(header, []byte("'fortran_order': False"), []byte("'fortran_order': True "), 1)
	}
	path := filepath.Join(t.TempDir(), "masks.npy")
	require.NoError(t, os.WriteFile(path, append(header, data...), 0o666))
	return path
}

func TestMasksFromFiles(t *testing.T) {
	p := newProblem(t, specs()["bagged many rows"])
	for _, dtype := range []string{"|b1", "|u1"} {
		for _, fortran := range []bool{false, true} {
			m, err := OpenRowMasks(maskFile(t, p, dtype, fortran))
			require.NoError(t, err)
			require.NoError(t, m.Check(int64(len(p.y)), len(p.saw)))
			got, err := m.read(t.Context())
			require.NoError(t, err)
			require.Equal(t, p.masks.seen, got.seen)

			head, err := m.Head(2)
			require.NoError(t, err)
			got, err = head.read(t.Context())
			require.NoError(t, err)
			require.Equal(t, p.masks.seen[:2], got.seen)
		}
	}
	_, err := p.masks.Head(4)
	require.ErrorContains(t, err, "3 iterations, not 4")
}

func TestBadMaskFiles(t *testing.T) {
	p := newProblem(t, specs()["bagged binary"])
	path := maskFile(t, p, "|u1", false)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	at := len(text) - len(p.saw)*len(p.y) + 3*len(p.saw) + 5
	text[at] = 7
	require.NoError(t, os.WriteFile(path, text, 0o666))
	m, err := OpenRowMasks(path)
	require.NoError(t, err)
	_, err = Prepare(t.Context(), p.forest, p.train, PrepareOptions{Columns: p.columns(), RowMasks: m})
	require.EqualError(t, err, path+": row 3: column 5 holds 7; save 0 or 1")

	require.NoError(t, os.WriteFile(path, text[:len(text)-1], 0o666))
	_, err = OpenRowMasks(path)
	require.ErrorContains(t, err, "cut short")

	for shape, want := range map[*[]int64]string{
		{80}:      "an array of shape [80] holds no row masks",
		{4, 4, 5}: "an array of shape [4 4 5] holds no row masks",
	} {
		header, err := dataset.NPYHeaderBytes("|b1", *shape...)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, append(header, make([]byte, 80)...), 0o666))
		_, err = OpenRowMasks(path)
		require.ErrorContains(t, err, want)
	}
	header, err := dataset.NPYHeaderBytes("<f4", 80, 7)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append(header, make([]byte, 80*7*4)...), 0o666))
	_, err = OpenRowMasks(path)
	require.ErrorContains(t, err, "row masks of dtype <f4 are not read; save a matrix of bool")
}

func TestMasksOfAnotherShape(t *testing.T) {
	p := newProblem(t, specs()["bagged binary"])
	all := func(int64, int) bool { return true }
	for want, m := range map[string]*RowMasks{
		"row masks: the shape is 79 × 7 (train rows × iterations); train table and model need 80 × 7": NewRowMasks(79, 7, all),
		"row masks: the shape is 80 × 6 (train rows × iterations); train table and model need n × 7":  NewRowMasks(80, 6, all),
	} {
		_, err := Prepare(t.Context(), p.forest, p.train, PrepareOptions{Columns: p.columns(), RowMasks: m})
		require.EqualError(t, err, want)
	}
}

// Masks that show every row change no bit; wrong ones are a mismatch, though
// without masks the same model is approximate.
func TestMasksAreProved(t *testing.T) {
	plain := newProblem(t, specs()["binary"])
	scores := func(masks *RowMasks) []float64 {
		plain.masks = masks
		m, q := plain.prepare(t, PrepareOptions{})
		s, err := m.LeafInfluence(q, Options{})
		require.NoError(t, err)
		return dense(t, s, m, q, influence.Quantity{}, false).Scores
	}
	require.Equal(t, scores(nil), scores(NewRowMasks(80, 7, func(int64, int) bool { return true })))

	p := newProblem(t, specs()["bagged binary"])
	p.forest.Train.Bagged = []string{"bagging_fraction=0.7"}
	right := p.masks
	m, _ := p.prepare(t, PrepareOptions{})
	require.Equal(t, Exact, m.Fidelity().Verdict)
	require.True(t, m.Fidelity().RowMasks)
	p.masks = nil
	m, _ = p.prepare(t, PrepareOptions{})
	require.Equal(t, Approximate, m.Fidelity().Verdict)
	require.Contains(t, m.Fidelity().Reasons[0], "--row-masks gives them")
	p.masks = NewRowMasks(80, 7, func(row int64, t int) bool { return right.seen[t][row/64]>>(row%64)&1 == 1 || row == 5 })
	_, err := Prepare(t.Context(), p.forest, p.train, PrepareOptions{Columns: p.columns(), RowMasks: p.masks})
	require.ErrorContains(t, err, "and --row-masks")

	// Rows that were also reweighted, as by GOSS, stay approximate.
	p.masks = right
	p.forest.Train.Lost = []string{"data_sample_strategy=goss"}
	p.forest.Trees[3].LeafValue[0] *= 3
	m, _ = p.prepare(t, PrepareOptions{})
	require.Equal(t, Approximate, m.Fidelity().Verdict)
	require.Contains(t, m.Fidelity().Reasons[0], "goss")
}

// Weighted traces and label edits by their definition: sums go over the rows
// that an iteration saw, and so do the counts that divide.
func TestMaskedTraces(t *testing.T) {
	for _, name := range []string{"bagged regression", "bagged binary"} {
		p := newProblem(t, specs()[name])
		m, q := p.prepare(t, PrepareOptions{})
		_, sumH := p.leafTotals()
		const target = 1.0
		pull := func(y float64, i, it int, edited bool) float64 {
			f := p.margins(i)[it]
			l := p.leaf[it][i]
			_, h0, _, _ := p.deriveRow(p.y[i], f)
			g, h, _, _ := p.deriveRow(y, f)
			w, d := p.weight(i), sumH[it][l]+p.l2
			if edited {
				d += w * (h[0] - h0[0])
			}
			return w * (p.eta*g[0] + p.theta(it, l)*h[0]) / d
		}
		coefficients := func(power int, edit bool) func(i int) [][]float64 {
			return func(i int) [][]float64 {
				a := make([][]float64, len(p.saw))
				for it := range a {
					l := p.leaf[it][i]
					v := pull(p.y[i], i, it, false)
					if edit {
						v -= pull(target, i, it, true)
					}
					for range power {
						v /= float64(p.forest.Trees[it].LeafCount[l])
					}
					if !p.saw[it][i] || !m.active[m.offset[it]+int(l)] {
						v = 0
					}
					a[it] = []float64{v}
				}
				return a
			}
		}
		for power := range 3 {
			for _, o := range []Options{{}, {LabelEdit: &LabelEdit{Value: target}}} {
				s, err := m.BoostIn(q, o)
				if power > 0 {
					s, err = m.BoostInWeighted(q, power, o)
				}
				require.NoError(t, err)
				got := dense(t, s, m, q, influence.Quantity{}, false)
				p.compare(t, q, influence.Quantity{}, got, coefficients(power, o.LabelEdit != nil), true)
			}
		}
	}
}

// A row that no iteration saw moves nothing by any form of any trace.
func TestUnseenRowsTeachNothing(t *testing.T) {
	s := specs()["bagged binary"]
	s.noBase = true
	p := newProblem(t, s)
	blind := int64(11)
	p.forest.Train.Lost = []string{"the masks below"}
	p.masks = NewRowMasks(80, 7, func(row int64, t int) bool { return p.saw[t][row] && row != blind })
	for i := range p.forest.Trees {
		p.forest.Trees[i].LeafCount[p.leaf[i][blind]] -= int64(p.in(i, int(blind)))
	}
	m, q := p.prepare(t, PrepareOptions{})
	for _, form := range []Form{ExactForm, CompatForm} {
		o := Options{Form: form, AllowApproximate: true}
		edit := o
		edit.LabelEdit = &LabelEdit{Value: 1 - p.y[blind]}
		for name, scorer := range map[string]func() (influence.Scorer, error){
			"boostin":       func() (influence.Scorer, error) { return m.BoostIn(q, o) },
			"edit":          func() (influence.Scorer, error) { return m.BoostIn(q, edit) },
			"single":        func() (influence.Scorer, error) { return m.LeafInfluenceSingle(q, o) },
			"leafinfluence": func() (influence.Scorer, error) { return m.LeafInfluence(q, o) },
		} {
			s, err := scorer()
			require.NoError(t, err)
			d, err := sink.Dense(t.Context(), s, influence.Job{Train: influence.RowRange(0, 80), Query: influence.RowRange(0, q.Rows())})
			require.NoError(t, err)
			for row := range q.Rows() {
				require.Zero(t, d.At(row, blind), "%s in %s form", name, form)
			}
		}
	}
}
