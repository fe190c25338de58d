package influence

import "context"

// A DiagonalInverse is an [Inverse] that multiplies each number of a vector with one of
// its own, whatever the others are.
type DiagonalInverse interface {
	Inverse

	// Diagonal returns what the numbers are multiplied with, which must not be written.
	Diagonal(ctx context.Context) ([]float64, error)
}

// diagonal returns what the inverse of a factor multiplies the numbers of vectors with;
// nil where it has no inverse, or another one.
func (f factor) diagonal(ctx context.Context) ([]float64, error) {
	if d, ok := f.inverse.(DiagonalInverse); ok {
		return d.Diagonal(ctx)
	}
	return nil, nil
}
