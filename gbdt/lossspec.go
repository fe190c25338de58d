package gbdt

// A LossSpec names a training loss and its parameters as the model file states
// them. [LossSpec.Loss] makes the loss.
type LossSpec struct {
	Name string // "regression" (squared error), "binary", "multiclass", "multiclassova", "poisson"

	Sigmoid        float64 // binary and multiclassova: p = 1/(1+exp(−Sigmoid·F)); 0 means 1
	ScalePosWeight float64 // binary: weight of label 1 inside g and h; 0 means 1
	Unbalance      bool    // binary: the rarer label weighs more, by the ratio of the label counts
	MaxDelta       float64 // poisson: h = exp(F + MaxDelta)
}
