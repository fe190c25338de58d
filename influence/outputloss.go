package influence

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// An OutputLoss is a loss whose second derivatives C by the K outputs z of a layer follow
// from its first, g. C is also the covariance of g over the labels that the model itself
// predicts: for squares, normal ones about z whose −log p is the loss.
type OutputLoss uint8

const (
	// SoftmaxLoss is −log p_y of a class y, p the softmax of z: g = p − e_y, of which only
	// the entry of y is negative. C = diag(p) − p·pᵀ.
	SoftmaxLoss OutputLoss = iota

	// HalfSquaredLoss is ½‖z − y‖²: g = z − y, C = I.
	HalfSquaredLoss

	// SquaredLoss is ‖z − y‖²: g = 2(z − y), C = 2I.
	SquaredLoss

	// MeanSquaredLoss is ‖z − y‖²/K: g = 2(z − y)/K, C = 2I/K.
	MeanSquaredLoss
)

// outputLosses are all of them, by their names in captures.
var outputLosses = map[string]OutputLoss{
	"cross_entropy": SoftmaxLoss, "half_squared_error": HalfSquaredLoss, "squared_error": SquaredLoss, "mse": MeanSquaredLoss,
}

// ParseOutputLoss returns the loss that captures call cross_entropy, half_squared_error,
// squared_error or mse. Of other losses the second derivatives are not known.
func ParseOutputLoss(name string) (OutputLoss, error) {
	l, known := outputLosses[name]
	if !known {
		return l, fmt.Errorf("the second derivatives of the loss %q are not known; they are of %s", name, strings.Join(slices.Sorted(maps.Keys(outputLosses)), ", "))
	}
	return l, nil
}

// Curvature returns c of C = c·I for K outputs. That of the softmax is no multiple of I: it
// has 0.
func (l OutputLoss) Curvature(k int) float64 {
	switch l {
	case HalfSquaredLoss:
		return 1
	case SquaredLoss:
		return 2
	case MeanSquaredLoss:
		return 2 / float64(k)
	}
	return 0
}
