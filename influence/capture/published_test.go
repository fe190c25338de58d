package capture_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/ekfac"
	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/sink"
	"github.com/infl-dev/infl/internal/goldentest"
)

// The network of this test: a convolution of 2 × 4 × 4 numbers by 3 kernels of 3 × 3
// with stride 2 and padding 1, tanh, a linear layer of 12 × 3, and cross-entropy, all of
// counted numbers.
var convolution = capture.Module{
	Name: "c", Kind: capture.Conv2D, Bias: true, InputGroup: "c", RowSet: "positions", In: 18, Out: 3, WeightLayout: "out_in",
	Conv: &capture.Conv{
		Kernel: [2]int64{3, 3}, Stride: [2]int64{2, 2}, Padding: [2]int64{1, 1}, Dilation: [2]int64{1, 1}, Groups: 1,
		InShape: [3]int64{2, 4, 4}, OutShape: [2]int64{2, 2}, PatchOrder: "c,kh,kw",
	},
}

// convolve calls use for each product of a pixel with a weight: of the output at
// channel o and position p, and the weight at index w of the kernel.
func convolve(use func(o, p, w, pixel int)) {
	for o := range 3 {
		for p := range 4 {
			for w := range 18 {
				y, x := p/2*2+w%9/3-1, p%2*2+w%3-1
				if y >= 0 && y < 4 && x >= 0 && x < 4 {
					use(o, p, w, w/9*16+y*4+x)
				}
			}
		}
	}
}

// convolved writes the capture of images with labels, by a backward pass of loops.
func convolved(t *testing.T, split string, images [][]float64, labels []int) *capture.Capture {
	kernels, shift := goldentest.CountedRows(21, 3, 18, 1), goldentest.CountedRows(22, 1, 3, 1)[0]
	weights, last := goldentest.CountedRows(23, 3, 12, 1), goldentest.CountedRows(24, 1, 3, 1)[0]
	dir := t.TempDir()
	m := capture.NewManifest(split, convolution, capture.NewLinear("fc", 12, 3, true))
	m.Dtype = "F64"
	w, err := capture.Create(dir, m, capture.WriterOptions{})
	require.NoError(t, err)
	for i, image := range images {
		hidden, back := make([]float64, 12), make([]float64, 12) // by channel and position
		convolve(func(o, p, w, pixel int) { hidden[o*4+p] += kernels[o][w] * image[pixel] })
		for h := range hidden {
			hidden[h] = math.Tanh(hidden[h] + shift[h/4])
		}
		slope, sum := make([]float64, 3), 0.0
		for k := range slope {
			z := last[k]
			for h, v := range hidden {
				z += weights[k][h] * v
			}
			slope[k] = math.Exp(z)
			sum += slope[k]
		}
		loss := math.Log(sum / slope[labels[i]])
		for k := range slope {
			slope[k] /= sum
		}
		slope[labels[i]]--
		rows := make([]float64, 12) // by position and channel
		for h, v := range hidden {
			for k, s := range slope {
				back[h] += s * weights[k][h]
			}
			rows[h%4*3+h/4] = back[h] * (1 - v*v)
		}
		require.NoError(t, w.Write(capture.Batch{
			IDs: []int64{int64(i)}, Loss: []float64{loss},
			Inputs:          map[string]capture.Values{"c": {F64: image}, "fc": {F64: hidden}},
			OutputGradients: map[string]capture.Values{"c": {F64: rows}, "fc": {F64: slope}},
		}))
	}
	require.NoError(t, w.Close())
	c, err := capture.Open(dir, capture.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// TestConvolutionsOfPublishedPackages compares with what kronfluence gives in float64.
func TestConvolutionsOfPublishedPackages(t *testing.T) {
	train := convolved(t, "train", goldentest.CountedRows(25, 4, 32, 2), []int{0, 1, 2, 1})
	query := convolved(t, "query", goldentest.CountedRows(26, 2, 32, 2), []int{2, 0})
	var both influence.Checkpoint
	for _, m := range train.Manifest().Modules {
		a, err := train.Gradients(m.Name, dataset.Float64, 1)
		require.NoError(t, err)
		b, err := query.Gradients(m.Name, dataset.Float64, 1)
		require.NoError(t, err)
		both.Train, both.Query = append(both.Train, a), append(both.Query, b)
	}
	f, err := ekfac.Fit(t.Context(), train, ekfac.FitOptions{})
	require.NoError(t, err)
	for strategy, want := range map[ekfac.Strategy][]float64{
		ekfac.Identity: {
			-0.334942243939, -2.45463223174, 2.45167720884, -1.06040857473,
			2.25898438704, -1.10043218993, -1.68183092405, -0.675146060081,
		},
		ekfac.EKFAC: {
			3.86243457187, -2.76001445476, 4.71892870307, -2.37840282585,
			1.76097461218, -1.06534378246, -24.4347167891, -1.71758831334,
		},
	} {
		s, err := ekfac.Scores(f, both, []string{"c", "fc"}, ekfac.ScoreOptions{
			Strategy: strategy, CurvatureOptions: influence.CurvatureOptions{Damping: influence.Damping{Heuristic: true}},
		})
		require.NoError(t, err)
		got, err := sink.Dense(t.Context(), s, influence.Job{Train: influence.RowRange(0, 4), Query: influence.RowRange(0, 2), Precision: influence.Float64})
		require.NoError(t, err)
		for i, v := range want {
			require.InEpsilon(t, v, got.Scores[i], 1e-9)
		}
	}
}
