package ekfac

import (
	"fmt"
	"slices"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/internal/kernel"
)

// checkExpectation says why there is no expectation over the labels of a model.
func checkExpectation(m *capture.Manifest, modules []Module) error {
	if len(modules) > 1 {
		return fmt.Errorf("exact labels: module %q is not the last layer, and the gradients of layers before it for other labels are not in a capture; capture the last layer alone", modules[0].Name)
	}
	if m.Loss.Measurement != "loss" {
		return fmt.Errorf("exact labels: the gradients are those of the %s, not of the loss", m.Loss.Measurement)
	}
	if _, err := influence.ParseOutputLoss(m.Loss.Name); err != nil {
		return fmt.Errorf("exact labels: %w", err)
	}
	return nil
}

// An expectation is a mean over the labels that a model predicts, of which its captured
// gradients tell the chances: g = p − e_y for softmax p and label y, so that g is negative
// at y alone. For squared errors, g is normal, with the variance [influence.OutputLoss] has.
type expectation struct {
	loss   influence.OutputLoss
	source rowSource[float64]
	dir    string
}

func newExpectation(f *fit, x factor) (expectation, error) {
	loss, err := influence.ParseOutputLoss(f.head.Loss.Name)
	return expectation{loss: loss, dir: f.capture.Dir(), source: rowSource[float64]{factor: x}}, err
}

// label returns the class that a row of gradients was captured with; it is an error where
// the row is no gradient of a cross-entropy by its logits.
func (e *expectation) label(g []float64) (int, error) {
	label, ok := influence.LabelOf(g)
	if !ok {
		return 0, e.noSoftmax()
	}
	return label, nil
}

func (e *expectation) noSoftmax() error {
	return fmt.Errorf("%s: module %q: its gradients are not those of a cross-entropy by its logits, chances less label; exact labels need the last layer of a classifier", e.dir, e.source.module.Name)
}

// addCovariance adds the covariance of the gradients of a row, E[g·gᵀ], with chances h of
// the other labels about its own:
//
//	Σ h_c (e_c − e_y)(e_c − e_y)ᵀ − h·hᵀ     h_y = −Σ h_c
func (e *expectation) addCovariance(g []float64, into kernel.Matrix[float64]) error {
	if e.loss != influence.SoftmaxLoss {
		for c := range g {
			into.Row(c)[c] += e.loss.Curvature(len(g))
		}
		return nil
	}
	y, err := e.label(g)
	if err != nil {
		return err
	}
	h := slices.Clone(g)
	others := center(h, y)
	for c, p := range h {
		row := into.Row(c)
		for d, q := range h {
			row[d] -= float64(p * q)
		}
		if c == y {
			row[y] += others
			continue
		}
		row[c] += p
		row[y] -= p
		into.Row(y)[c] -= p
	}
	return nil
}

// center makes a gradient sum to zero exactly, by its entry of the label, and returns
// the chances of the other labels.
func center(h []float64, y int) (others float64) {
	for c, p := range h {
		if c != y {
			others += p
		}
	}
	h[y] = -others
	return others
}

// variances writes the variances of the gradients of a row along directions, which are
// the columns of a basis, to out:
//
//	E[(qᵀg)²] = Σ h_c (q_c − q_y)² − (Σ h_c (q_c − q_y))²
func (e *expectation) variances(g []float64, basis kernel.Matrix[float64], out []float64) error {
	if e.loss != influence.SoftmaxLoss {
		clear(out)
		for c := range g {
			for k, q := range basis.Row(c) {
				out[k] += float64(q * q)
			}
		}
		for k := range out {
			out[k] *= e.loss.Curvature(len(g))
		}
		return nil
	}
	y, err := e.label(g)
	if err != nil {
		return err
	}
	mean := make([]float64, len(out))
	clear(out)
	at := basis.Row(y)
	for c, p := range g {
		if c == y {
			continue
		}
		for k, q := range basis.Row(c) {
			d := q - at[k]
			out[k] += float64(p * d * d)
			mean[k] += float64(p * d)
		}
	}
	for k, m := range mean {
		out[k] = max(0, out[k]-float64(m*m))
	}
	return nil
}

// An expectedGram is the sum of the covariances of the gradients of rows.
type expectedGram struct {
	tally
	expectation
	group kernel.Matrix[float64]
	cut   []span
}

func newExpectedGram(f *fit, workers int, x factor) (*expectedGram, error) {
	e, err := newExpectation(f, x)
	return &expectedGram{
		tally:       newTally(workers, x.module, f.rowGroups(x.module), x.covariance, x.key, x.size, x.size),
		expectation: e, group: kernel.NewMatrix[float64](x.size, x.size), cut: spans(x.size, f.Blocks),
	}, err
}

func (g *expectedGram) take(b *capture.Block) error {
	rows, starts, err := g.source.read(b)
	if err != nil {
		return err
	}
	g.eachMissing(b, func(group int64, lo, hi int, ends bool) {
		for t := starts[lo]; t < starts[hi] && err == nil; t++ {
			err = g.addCovariance(rows.Row(t), g.group)
		}
		if ends {
			keepBlocks(g.group, g.cut)
			addGroup(&g.tally, group, g.group)
			clear(g.group.Data)
		}
	})
	return err
}

// keepBlocks clears what lies beside the blocks of a diagonal.
func keepBlocks(m kernel.Matrix[float64], blocks []span) {
	for _, s := range blocks {
		for i := s.lo; i < s.hi; i++ {
			clear(m.Row(i)[:s.lo])
			clear(m.Row(i)[s.hi:])
		}
	}
}
