package influence

import (
	"context"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

// unscale writes the rows of a block with scales in F: each number times its scale,
// which is exact in float64, and in float32 for scales that are powers of two.
func unscale[F kernel.Float](workers int, m kernel.Matrix[F], b dataset.Block) {
	step := max(1, (1<<16)/max(1, b.Cols))
	// The loop has no errors and no end but its own.
	_ = parallel.For(context.Background(), workers, (b.Rows+step-1)/step, func(_, part int) error {
		for i := part * step; i < min((part+1)*step, b.Rows); i++ {
			if b.Int8 == nil {
				row := m.Row(i)
				widen(row, halves[kernel.Float16](b.Half[i*b.Cols:][:b.Cols]))
				for j := range row {
					row[j] *= F(b.Scale[i])
				}
				continue
			}
			scales := b.Scale[i*int8Scales(b.Cols):]
			numbers := b.Int8[i*b.Stride:]
			for j := range m.Row(i) {
				m.Data[i*m.Stride+j] = F(scales[j/kernel.Int8Block]) * F(numbers[j])
			}
		}
		return nil
	})
}

// int8Scales is the number of scales of a row of int8.
func int8Scales(cols int) int { return (cols + kernel.Int8Block - 1) / kernel.Int8Block }

func int8Matrix(b dataset.Block) kernel.Int8Matrix {
	return kernel.Int8Matrix{Data: b.Int8, Scale: b.Scale, Rows: b.Rows, Cols: b.Cols, Stride: b.Stride}
}

// closeUp moves the rows of m together, in its own memory.
func closeUp(m kernel.Matrix[float32]) kernel.Matrix[float32] {
	for i := range m.Rows {
		copy(m.Data[i*m.Cols:][:m.Cols], m.Row(i))
	}
	return kernel.MatrixOf(m.Data[:m.Rows*m.Cols], m.Rows, m.Cols)
}
