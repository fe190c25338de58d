package model

import "github.com/infl-dev/infl/internal/kernel"

// of returns the loss of an example with outputs z and label y, and overwrites z with
// its gradient: the probabilities minus the class for cross-entropy, z − y for the
// squared loss.
func (l Loss) of(z []float64, y float64) float64 {
	if l == HalfSquared {
		z[0] -= y
		return 0.5 * float64(z[0]*z[0])
	}
	most := z[0]
	for _, v := range z {
		most = max(most, v)
	}
	own, sum := z[int(y)]-most, 0.0
	for k, v := range z {
		z[k] = kernel.Exp(v - most)
		sum += z[k]
	}
	for k := range z {
		z[k] /= sum
	}
	z[int(y)]--
	return kernel.Log(sum) - own
}
