package gbdt

// A LossSpec names a training loss and its parameters as the model file states
// them. [LossSpec.Loss] makes the loss.
type LossSpec struct {
	// Name is one of "regression" (squared error), "binary", "multiclass",
	// "multiclassova", "poisson", "gamma", "tweedie", "huber", "fair",
	// "cross_entropy", "cross_entropy_lambda"; or, with Renewed, of
	// "regression_l1", "quantile", "mape".
	Name string

	// Renewed says that leaves were set to residual percentiles after the Newton
	// step, so that their values are no Newton steps.
	Renewed bool

	Sigmoid        float64 // binary and multiclassova: p = 1/(1+exp(−Sigmoid·F)); 0 means 1
	ScalePosWeight float64 // binary: weight of label 1 inside g and h; 0 means 1
	Unbalance      bool    // binary: the rarer label weighs more, by the ratio of the label counts
	MaxDelta       float64 // poisson: h = exp(F + MaxDelta)
	Alpha          float64 // huber: where the loss turns linear; quantile: the quantile
	FairC          float64 // fair: the scale c
	TweediePower   float64 // tweedie: the variance power ρ, 1 ≤ ρ < 2

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
