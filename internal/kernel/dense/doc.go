// Package dense factors dense float64 matrices: eigenvalues and eigenvectors of
// symmetric ones, Cholesky with and without pivots, triangular systems, QR and
// singular values of thin ones.
//
// # What
//
// The algorithms are LAPACK's in structure: blocked, so that nearly all work is
// products of matrices. Each function names what it follows.
//
// # Flow
//
// [Eigh] reduces a matrix to tridiagonal form (tridiagonal.go), solves that by
// divide and conquer (divide.go, merge.go, secular.go, implicitql.go) and turns
// the eigenvectors back (backtransform.go). [SingularValues] reduces to a triangle
// (triangularize.go) and to two diagonals (bidiagonal.go), whose values the qd
// algorithm finds (qd.go).
//
// # Shapes
//
// Matrices are [kernel.Matrix], row-major. Eigenvectors and right singular
// vectors are rows, so that the whole algorithm works along memory.
//
// # Sign
//
// Eigenvectors and singular vectors have whichever sign the algorithm gives
// them, always the same one.
//
// # Cost
//
// Every function takes a number of workers, zero or less for one per CPU. No
// result depends on it or on the CPU path: sums that workers share have
// partitions that depend on the size of the matrix only.
//
// # Not here
//
// Products of matrices, which belong to package kernel; general eigenproblems.
package dense
