package ekfac

import "github.com/infl-dev/infl/internal/kernel"

// An Eigenbasis is the eigendecomposition of a Kronecker factor C of d × d numbers:
//
//	C = Q·diag(λ)·Qᵀ
type Eigenbasis struct {
	Values  []float64              // λ, d numbers, ascending
	Vectors kernel.Matrix[float64] // Q, d × d, eigenvectors in columns
}

// A Curvature is the curvature of one module, of the mean of the losses:
//
//	H = (Q_S ⊗ Q_A)·diag(Λ)·(Q_S ⊗ Q_A)ᵀ
//
// for gradients G of out × in numbers in row-major order, so that
// H⁻¹ maps G to Q_S·[(Q_SᵀG·Q_A) / (Λ + damping)]·Q_Aᵀ. It is not changed once made, and
// may be used from several goroutines.
type Curvature struct {
	Module string

	// Input and Output are the bases of the module's inputs and of its output gradients.
	// Both have no vectors where the curvature is diagonal already.
	Input, Output Eigenbasis

	// Eigenvalues is Λ: out × in, at least 0. Empty for the identity, H = I, to which no
	// damping is added.
	Eigenvalues kernel.Matrix[float64]
}
