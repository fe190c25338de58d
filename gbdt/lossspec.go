package gbdt

// A LossSpec names a training loss and its parameters as the model file states
// them. [LossSpec.Loss] makes the loss.
type LossSpec struct {
	Name string // "regression" (squared error), "binary", "multiclass", "multiclassova", "poisson"

	Sigmoid        float64 // binary and multiclassova: p = 1/(1+exp(−Sigmoid·F)); 0 means 1
	ScalePosWeight float64 // binary: weight of label 1 inside g and h; 0 means 1
	Unbalance      bool    // binary: the rarer label weighs more, by the ratio of the label counts
	MaxDelta       float64 // poisson: h = exp(F + MaxDelta)

	// HessianFactor multiplies p(1−p) in the Hessian of multiclass; 0 means
	// K/(K−1), the library's choice since version 3.
	HessianFactor float64
}

// variants lists the losses that a file of this format may mean, the likeliest
// first: LightGBM changed the factor of multiclass without a trace in the file.
func (s LossSpec) variants(version string) []LossSpec {
	if s.Name != "multiclass" || s.HessianFactor != 0 || version == "v4" {
		return []LossSpec{s}
	}
	old := s
	old.HessianFactor = 2
	return []LossSpec{s, old}
}
