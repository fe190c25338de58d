package kernel

// A Substitute computes products of matrices in place of the kernels, with bits of
// its own: C += op(A)·op(B), where op transposes if asked to. An error means that C is
// as it was.
type Substitute interface {
	Gemm32(transposeA, transposeB bool, a, b, c Matrix[float32]) error
	Gemm64(transposeA, transposeB bool, a, b, c Matrix[float64]) error
}

// substitute is nil but in builds that call a library of the system.
var substitute Substitute

// UseSubstitute has s compute products that are worth packing; nil ends that. What s
// cannot do, the kernels do. It must not be called while kernels run.
func UseSubstitute(s Substitute) { substitute = s }

// substituted reports whether the substitute has added a product.
func substituted[F Float](left, right side[F], c Matrix[F]) bool {
	if substitute == nil {
		return false
	}
	a, transposeA := left.stored()
	b, transposeB := right.stored()
	var err error
	switch c := any(c).(type) {
	case Matrix[float32]:
		err = substitute.Gemm32(transposeA, !transposeB, any(a).(Matrix[float32]), any(b).(Matrix[float32]), c)
	case Matrix[float64]:
		err = substitute.Gemm64(transposeA, !transposeB, any(a).(Matrix[float64]), any(b).(Matrix[float64]), c)
	}
	return err == nil
}

// stored returns the matrix behind a side, and whether its columns are the vectors.
func (s side[F]) stored() (m Matrix[F], columns bool) {
	if s.along == 1 {
		return Matrix[F]{s.data, s.n, s.k, s.across}, false
	}
	return Matrix[F]{s.data, s.k, s.n, s.along}, true
}
