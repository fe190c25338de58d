package capture

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkBlocks streams a capture that the page cache holds: finding numbers that
// are not finite is all that is done.
func BenchmarkBlocks(b *testing.B) {
	for _, dtype := range []string{"F64", "F32", "BF16"} {
		b.Run(dtype, func(b *testing.B) {
			const n, width = 1 << 12, 1 << 10
			m := NewManifest("train", NewLinear("x", width, width, true))
			m.Dtype = dtype
			dir := b.TempDir()
			w, err := Create(dir, m, WriterOptions{ShardBytes: 4 << 20})
			require.NoError(b, err)
			x := make([]float32, 64*width)
			for i := range x {
				x[i] = float32(i)
			}
			for first := int64(0); first < n; first += 64 {
				batch := Batch{Loss: make([]float64, 64), Inputs: map[string]Values{"x": {F32: x}}, OutputGradients: map[string]Values{"x": {F32: x}}}
				for i := range int64(64) {
					batch.IDs = append(batch.IDs, first+i)
				}
				require.NoError(b, w.Write(batch))
			}
			require.NoError(b, w.Close())
			c := opened(b, dir)
			b.SetBytes(c.Bytes())
			for b.Loop() {
				for _, err := range c.Blocks(b.Context(), 0, n, BlockOptions{}) {
					require.NoError(b, err)
				}
			}
		})
	}
}
