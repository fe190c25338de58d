package influence

import (
	"errors"
	"fmt"

	"github.com/infl-dev/infl/internal/parallel"
)

// A TrakModel is one model of an ensemble: projected gradients of the margin
// log(p/(1 − p)) of each row's label, and what turns a change of the margin into one of
// the loss.
type TrakModel struct {
	Train, Query Vectors // n × p and q × p; Query is nil for self jobs
	OutToLoss    Vectors // n × 1: 1 − p of each train row
}

// Trak returns the scores of Park, Georgiev, Ilyas, Leclerc and Madry (2023),
// equation 17 with the mean over models of each of its parts:
//
//	I(i, q) = mean_c[ φ_qᵀ·(Φᵀ·Φ + λI)⁻¹·φ_i ] · mean_c[ 1 − p_i ]
//
// where Φ are the projected train gradients φ_i of a model, in float64 for the inverse.
// λ is that of damping, absolute; a heuristic one is a tenth of the mean eigenvalue of
// ΦᵀΦ. With compat the inverse of each model is divided by the mean magnitude of its
// entries, as the package traker does so that float16 can hold it: scores of one model
// differ by that factor alone. It is an error where the matrix is singular.
//
// score > 0 means that the train row pushes the query's margin up.
//
// Cost: n·p² + p³/3 operations for each model beside those of [Dot].
func Trak(models []TrakModel, damping Damping, compat bool, o ProductOptions) (Scorer, error) {
	if len(models) == 0 {
		return nil, errors.New("there are no models")
	}
	d := Description{
		Method: "trak", Form: "exact", Signed: true,
		Source:        "Park, Georgiev, Ilyas, Leclerc and Madry (2023), TRAK, equation 17",
		PositiveMeans: "the train row pushes the query's margin up: removing it would lower the margin",
		NegativeMeans: "the train row pushes the query's margin down: removing it would raise the margin",
		Unit:          "log-odds",
		Approximate:   []string{"the model is linear in its parameters around their values", "gradients are projected", "damping: " + damping.String()},
	}
	if compat {
		d.Form, d.Unit = "compat", "log-odds, by the mean entry of each model's inverse"
	}
	var terms []term
	var weights []Vectors
	for i, m := range models {
		h := &fisher{train: m.Train, scale: 1, damping: damping, workers: parallel.Workers(o.Workers)}
		inv := &denseInverse{fisher: h, meanEntry: compat}
		if err := inv.check(); err != nil {
			return nil, fmt.Errorf("model %d: %w", i, err)
		}
		terms = append(terms, term{weight: 1 / float64(len(models)), factors: []factor{{train: m.Train, query: m.Query, inverse: inv}}})
		if err := sameRows(m.Train, m.OutToLoss); err != nil {
			return nil, fmt.Errorf("model %d: features and 1 − p: %w", i, err)
		}
		if m.OutToLoss.Cols() != 1 {
			return nil, fmt.Errorf("model %d: 1 − p has %d numbers for a row", i, m.OutToLoss.Cols())
		}
		weights = append(weights, m.OutToLoss)
	}
	s, err := newProduct(terms, o, d)
	if err != nil {
		return nil, err
	}
	s.rowWeights = weights
	return s, nil
}
