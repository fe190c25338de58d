// Package ekfac fits the curvature of a neural network from captures and answers, with
// its inverse, which train rows made the model say something.
//
// # What
//
// [Fit] makes [Factors] of a capture: for each module the Kronecker factors of its
// curvature, their eigenbases, and the eigenvalues corrected to what the gradients of
// whole examples have in that basis. [Open] reads factors from a folder. A [Curvature] is
// what they say of one module under a [Strategy]; scores multiply its damped inverse with
// the gradients of queries, once, and stream the train rows past them.
//
// # Shapes
//
// For module l with in inputs (the 1 of a bias is the last of them) and out outputs, and
// example n with rows t, as [capture] has them:
//
//	A = Σ a[n,t] a[n,t]ᵀ / rows    in × in      A = Q_A diag(λ_A) Q_Aᵀ
//	S = Σ g[n,t] g[n,t]ᵀ / rows    out × out    S = Q_S diag(λ_S) Q_Sᵀ
//	G[n] = Σ over t of g[n,t] a[n,t]ᵀ           out × in
//	Λ = Σ (Q_Sᵀ G[n] Q_A)² / n                  out × in, entry by entry
//
// The curvature of the mean loss is Q_S ⊗ Q_A · diag(Λ) · (Q_S ⊗ Q_A)ᵀ.
//
// # Flow
//
//	capture ─▶ covariances ─▶ eigenbases ─▶ eigenvalue correction ─▶ Factors
//	queries ─▶ G[q] ─▶ rotate, divide by Λ + damping, rotate back ─▶ P[q]
//	train rows ─▶ ⟨P[q], G[n]⟩ ─▶ tiles
//
// # Sources
//
// Grosse et al. 2023 (arXiv 2308.03296) for the method, George et al. 2018 (arXiv
// 1806.03884) for the eigenvalue correction.
package ekfac
