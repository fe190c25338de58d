package kernel

//go:generate go -C _gen run . -family elementary -out ../elementary_amd64.s -stubs ../elementary_stubs_amd64.go -pkg kernel

// Exps writes [Exp] of each x to out, which may be x.
func Exps(out, x []float64) { elementwise(out, x, expsVector, Exp) }

// Sigmoids writes [Sigmoid] of each x to out, which may be x.
func Sigmoids(out, x []float64) { elementwise(out, x, sigmoidsVector, Sigmoid) }

// elementwise lets the vector form do what it can and does by itself what that
// leaves: numbers out of its range, and the end.
func elementwise(out, x []float64, vector func(out, x []float64) int, one func(float64) float64) {
	out = out[:len(x)]
	for len(x) > 0 {
		if n := vector(out, x); n > 0 {
			out, x = out[n:], x[n:]
		}
		n := min(8, len(x))
		for i, v := range x[:n] {
			out[i] = one(v)
		}
		out, x = out[n:], x[n:]
	}
}
