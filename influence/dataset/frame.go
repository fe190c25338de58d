package dataset

// A Frame is a batch of rows as numbers. The frame and its slices are valid
// until the next iteration, which reuses them; strings may be kept.
type Frame struct {
	First int64 // number of the first row, over all shards
	N     int   // number of rows

	// X[f][i] is feature f of row First+i: the number, or the code of the
	// category. NaN is missing; [Unseen] is a value that is no category.
	X [][]float64

	// The roles, nil where the binding has none. A missing label or prediction
	// is NaN; weights are finite and not negative, bases are finite.
	Label, Weight, Base, Predictions []float64
	Group                            []string

	Text [][]string // Text[e][i] is column Binding.Extra[e] of row First+i
}

// slice cuts all of the frame's slices to n rows.
func (f *Frame) slice(n int) {
	f.N = n
	for i := range f.X {
		f.X[i] = f.X[i][:n]
	}
	for i := range f.Text {
		f.Text[i] = f.Text[i][:n]
	}
	for _, s := range []*[]float64{&f.Label, &f.Weight, &f.Base, &f.Predictions} {
		if *s != nil {
			*s = (*s)[:n]
		}
	}
	if f.Group != nil {
		f.Group = f.Group[:n]
	}
}
