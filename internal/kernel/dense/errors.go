package dense

import (
	"errors"
	"fmt"
)

var (
	// ErrNotFinite says that a matrix holds NaN or ±Inf.
	ErrNotFinite = errors.New("dense: the matrix holds NaN or infinities")
	// ErrNotConverged says that an iteration did not end where theory says that
	// it does. No input is known for which it happens.
	ErrNotConverged = errors.New("dense: an eigenvalue did not converge")
	// ErrRange says that an eigenvalue or singular value of a finite matrix lies
	// beyond the largest float64.
	ErrRange = errors.New("dense: a value lies beyond the range of float64")
	// ErrSingular says that a triangular matrix has a zero on its diagonal.
	ErrSingular = errors.New("dense: the triangular matrix is singular")
)

// A NotPositiveError says that a matrix is not positive definite.
type NotPositiveError struct {
	Pivot int     // the row, from 0, at which the factorisation met it
	Value float64 // what the pivot was: zero, negative or NaN
}

// Error names the pivot.
func (e *NotPositiveError) Error() string {
	return fmt.Sprintf("dense: the matrix is not positive definite: pivot %d is %g", e.Pivot, e.Value)
}
