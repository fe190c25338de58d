package ekfac

// A Strategy says which curvature is made of factors.
type Strategy string

// Strategies.
const (
	// Identity is H = I: scores are inner products of gradients.
	Identity Strategy = "identity"

	// Diagonal is the mean of the squares of each weight's gradients, of whole examples.
	Diagonal Strategy = "diagonal"

	// KFAC is the Kronecker product S ⊗ A (Martens and Grosse 2015), times the rows that
	// an example has on average, so that its eigenvalues are those of whole examples.
	KFAC Strategy = "kfac"

	// EKFAC has the eigenbasis of S ⊗ A and in it the second moments of the gradients of
	// whole examples (George et al. 2018).
	EKFAC Strategy = "ekfac"

	// TKFAC is the Kronecker product of the factors, scaled to the trace of the curvature
	// itself (Gao et al. 2020).
	TKFAC Strategy = "tkfac"
)

// A Form says in whose unit K-FAC is.
type Form string

// Forms.
const (
	// Exact is the curvature of the loss of an example.
	Exact Form = "exact"

	// Compat is kronfluence's: that of a row, such as a token, taken alone.
	Compat Form = "compat"
)
