// Package blas calls a BLAS and LAPACK of the system, such as OpenBLAS or MKL, in
// builds with the tag blas. Without the tag it loads nothing, and nothing is linked.
//
// The libraries choose their own order of additions, by machine and by number of
// threads: a run that uses one is marked as not reproducible. It is for machines on
// which a vendor's library is faster than the kernels of infl, and for comparisons.
//
// Matrices are kernel.Matrix, row by row. A library sees the transposes, which costs
// nothing. Sizes are limited to 2³¹ − 1, since the usual builds have 32-bit integers.
package blas

import (
	"errors"
	"fmt"
	"math"

	"github.com/infl-dev/infl/internal/kernel"
)

// ErrNotBuilt says that the program was built without the tag blas.
var ErrNotBuilt = errors.New("this build of infl calls no BLAS of the system; go build -tags blas makes one that does")

// A Library is a loaded library. Its methods may be called from several goroutines
// as far as the library allows it; OpenBLAS and MKL do.
type Library struct {
	name   string
	sgemm  gemmFunc[float32]
	dgemm  gemmFunc[float64]
	dsyevd eigenFunc
	dpotrf choleskyFunc
}

// Fortran's interfaces: every argument is an address, and the lengths of text
// arguments follow at the end.
type (
	gemmFunc[F kernel.Float] func(transA, transB *byte, m, n, k *int32, alpha, a *F, lda *int32, b *F, ldb *int32, beta, c *F, ldc *int32, lenA, lenB uintptr)
	eigenFunc                func(job, part *byte, n *int32, a *float64, lda *int32, values, work *float64, workLength, integers, integersLength, info *int32, lenJob, lenPart uintptr)
	choleskyFunc             func(part *byte, n *int32, a *float64, lda, info *int32, lenPart uintptr)
)

// Open loads a library: the file of that name or path, or where path is empty the
// first that is found of the names that libraries usually have. The library stays
// loaded until the process ends.
func Open(path string) (*Library, error) {
	names := []string{path}
	if path == "" {
		names = usualNames
	}
	var errs []error
	for _, name := range names {
		l, err := load(name)
		if err == nil {
			return l, nil
		}
		if errors.Is(err, ErrNotBuilt) {
			return nil, err
		}
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("no BLAS with LAPACK was found: %w", errors.Join(errs...))
}

// Name returns the name or path that the library was loaded by.
func (l *Library) Name() string { return l.name }

// Gemm32 adds op(A)·op(B) to C, where op transposes if asked to: op(A) has m × k
// numbers, op(B) k × n, C m × n. C must not overlap A or B.
func (l *Library) Gemm32(transposeA, transposeB bool, a, b, c kernel.Matrix[float32]) error {
	return gemm(l.sgemm, transposeA, transposeB, a, b, c)
}

// Gemm64 is [Library.Gemm32] in float64.
func (l *Library) Gemm64(transposeA, transposeB bool, a, b, c kernel.Matrix[float64]) error {
	return gemm(l.dgemm, transposeA, transposeB, a, b, c)
}

// gemm computes Cᵀ += op(B)ᵀ·op(A)ᵀ, which is what C += op(A)·op(B) is to a library
// that takes columns for rows.
func gemm[F kernel.Float](f gemmFunc[F], transposeA, transposeB bool, a, b, c kernel.Matrix[F]) error {
	m, k := a.Rows, a.Cols
	if transposeA {
		m, k = k, m
	}
	inner, n := b.Rows, b.Cols
	if transposeB {
		inner, n = n, inner
	}
	if k != inner || c.Rows != m || c.Cols != n {
		return fmt.Errorf("a product of %d × %d and %d × %d numbers does not fit %d × %d", m, k, inner, n, c.Rows, c.Cols)
	}
	if m == 0 || n == 0 || k == 0 {
		return nil
	}
	sizes, err := int32s(m, n, k, leading(a), leading(b), leading(c))
	if err != nil {
		return err
	}
	one := F(1)
	f(flag(transposeB), flag(transposeA), &sizes[1], &sizes[0], &sizes[2], &one, &b.Data[0], &sizes[4], &a.Data[0], &sizes[3], &one, &c.Data[0], &sizes[5], 1, 1)
	return nil
}

// Eigen replaces a symmetric matrix by its eigenvectors, one a row, and returns the
// eigenvalues in ascending order (LAPACK's dsyevd). Only the lower half is read.
func (l *Library) Eigen(a kernel.Matrix[float64]) ([]float64, error) {
	n, err := square(a)
	if err != nil || n == 0 {
		return nil, err
	}
	values := make([]float64, n)
	sizes, err := int32s(n, leading(a))
	if err != nil {
		return nil, err
	}
	job, part := byte('V'), byte('U') // the lower half of the transpose
	// The library first says how much scratch memory it wants.
	work, integers, query, info := make([]float64, 1), make([]int32, 1), int32(-1), int32(0)
	l.dsyevd(&job, &part, &sizes[0], &a.Data[0], &sizes[1], &values[0], &work[0], &query, &integers[0], &query, &info, 1, 1)
	if info == 0 && work[0] <= math.MaxInt32 {
		lengths := [2]int32{int32(work[0]), integers[0]}
		work, integers = make([]float64, lengths[0]), make([]int32, lengths[1])
		l.dsyevd(&job, &part, &sizes[0], &a.Data[0], &sizes[1], &values[0], &work[0], &lengths[0], &integers[0], &lengths[1], &info, 1, 1)
	}
	if info != 0 || work[0] > math.MaxInt32 {
		return nil, fmt.Errorf("%s: dsyevd of %d × %d numbers ended with code %d", l.name, n, n, info)
	}
	return values, nil
}

// Cholesky replaces the lower half of a positive definite matrix A by L with A = L·Lᵀ
// (LAPACK's dpotrf). Only that half is read and written.
func (l *Library) Cholesky(a kernel.Matrix[float64]) error {
	n, err := square(a)
	if err != nil || n == 0 {
		return err
	}
	sizes, err := int32s(n, leading(a))
	if err != nil {
		return err
	}
	part, info := byte('U'), int32(0) // the lower half of the transpose
	l.dpotrf(&part, &sizes[0], &a.Data[0], &sizes[1], &info, 1)
	if info != 0 {
		return fmt.Errorf("the matrix is not positive definite: its leading %d × %d part is not", info, info)
	}
	return nil
}

// square returns the size of a square matrix.
func square(a kernel.Matrix[float64]) (int, error) {
	if a.Rows != a.Cols {
		return 0, fmt.Errorf("a matrix of %d × %d numbers is not square", a.Rows, a.Cols)
	}
	return a.Rows, nil
}

// leading is the stride as libraries want it: a single row may have any.
func leading[F kernel.Float](m kernel.Matrix[F]) int { return max(m.Stride, m.Cols) }

func int32s(sizes ...int) ([]int32, error) {
	out := make([]int32, len(sizes))
	for i, n := range sizes {
		if n > math.MaxInt32 {
			return nil, fmt.Errorf("a size of %d is too large for the library", n)
		}
		out[i] = int32(n)
	}
	return out, nil
}

// flag is how Fortran is told to transpose.
func flag(transpose bool) *byte {
	f := byte('N')
	if transpose {
		f = 'T'
	}
	return &f
}
