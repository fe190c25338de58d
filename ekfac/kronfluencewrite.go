package ekfac

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"github.com/infl-dev/infl/internal/durable"
	"github.com/infl-dev/infl/internal/kernel"
)

// WriteKronfluence is [Factors.Write] into a folder that kronfluence loads too: the factor
// of inputs stands under the name of each module that has them, and the arguments of a fit
// are there as kronfluence reads them. Curvatures that it does not know, those of other
// sharing or labels, it takes for its own.
func (f *Factors) WriteKronfluence(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	g := &Factors{head: f.head, tolerance: f.tolerance}
	g.head.Modules = slices.Clone(f.head.Modules)
	of := map[string]string{}
	for i := range g.head.Modules {
		m := &g.head.Modules[i]
		of[m.Name], m.Inputs = m.Inputs, m.Name
	}
	g.tensors = unshared{f.tensors, of}
	for name, content := range f.kronfluenceHeads() {
		if err := durable.WriteJSON(filepath.Join(dir, name), "    ", content); err != nil {
			return err
		}
	}
	return g.Write(ctx, dir)
}

// kronfluenceHeads are the JSON files that kronfluence reads, by name. What is left out
// has its default.
func (f *Factors) kronfluenceHeads() map[string]any {
	examples := map[string]any{"type": formatName, "dataset_size": f.examples(), "indices": nil}
	heads := map[string]any{
		"factor_arguments.json": map[string]any{
			"strategy":                    f.head.Method,
			"use_empirical_fisher":        f.head.Labels != ExactLabels && f.head.Loss.Labels != "sampled",
			"activation_covariance_dtype": "torch.float64", "gradient_covariance_dtype": "torch.float64",
			"eigendecomposition_dtype": "torch.float64", "lambda_dtype": "torch.float64",
		},
	}
	if f.head.Method != Diagonal {
		heads["covariance_dataset_metadata.json"] = examples
	}
	if f.head.Method != KFAC {
		heads["lambda_dataset_metadata.json"] = examples
	}
	return heads
}

// unshared has the factor of inputs under the name of each module.
type unshared struct {
	tensors
	of map[string]string // where it stands, by module
}

func (u unshared) key(file, key string) string {
	if slices.Contains([]string{inputCovariance, inputRows, inputValues, inputVectors}, file) {
		return u.of[key]
	}
	return key
}

func (u unshared) has(file, key string) bool { return u.tensors.has(file, u.key(file, key)) }

func (u unshared) matrix(file, key string) (kernel.Matrix[float64], error) {
	return u.tensors.matrix(file, u.key(file, key))
}
