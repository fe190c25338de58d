package capture_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/infl-dev/infl/influence/capture"
)

// A training program of its own hands over what it has anyway: for a linear model
// with squared loss, the inputs and the residuals.
func Example() {
	x := [][]float64{{1, 2}, {3, 4}, {5, 6}}
	residuals := []float64{0.5, -1, 2}

	dir, err := os.MkdirTemp("", "capture")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	dir = filepath.Join(dir, "train")

	m := capture.NewManifest("train", capture.NewLinear("regression", 2, 1, true))
	m.Dtype, m.Loss.Name, m.Model.Fingerprint = "F64", "half_squared_error", "weights of step 100"
	w, err := capture.Create(dir, m, capture.WriterOptions{})
	if err != nil {
		log.Fatal(err)
	}
	for i := w.Finished(); i < int64(len(x)); i++ { // 0, unless a killed run is continued
		err := w.Write(capture.Batch{
			IDs:             []int64{100 + i},
			Loss:            []float64{residuals[i] * residuals[i] / 2},
			Inputs:          map[string]capture.Values{"regression": {F64: x[i]}},
			OutputGradients: map[string]capture.Values{"regression": {F64: residuals[i : i+1]}},
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}

	c, err := capture.Open(dir, capture.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	var buffer []float64
	for b, err := range c.Blocks(context.Background(), 0, c.Len(), capture.BlockOptions{}) {
		if err != nil {
			log.Fatal(err)
		}
		g, err := capture.ExampleGradients(1, b, "regression", &buffer)
		if err != nil {
			log.Fatal(err)
		}
		for i, key := range b.IDs {
			fmt.Println(key, b.Loss[i], g.Row(i))
		}
	}
	// Output:
	// 100 0.125 [0.5 1 0.5]
	// 101 0.5 [-3 -4 -1]
	// 102 2 [10 12 2]
}
