package capture

import (
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/kernel"
)

// unfold cuts the images of a block into the patches that a convolution sees: row
// oy·width + ox of an image holds, in order of channel, kernel row and kernel column,
//
//	image[c, oy·stride + ky·dilation − padding, ox·stride + kx·dilation − padding]
//
// with zeros beyond the border, and with one a last column of ones.
func unfold[F kernel.Float](images *dataset.Block, d dataset.Dtype, c *Conv, one bool, buffer *[]F) kernel.Matrix[F] {
	positions := int(c.OutShape[0] * c.OutShape[1])
	width := int(c.InShape[0] * c.Kernel[0] * c.Kernel[1])
	stride := width
	if one {
		stride++
	}
	rows := images.Rows * positions
	m := kernel.MatrixOf(grow(buffer, rows*stride), rows, stride)
	image := make([]F, images.Cols)
	for n := range images.Rows {
		convert(image, images, d, n*images.Cols)
		for p := range positions {
			row := m.Row(n*positions + p)
			if one {
				row[width] = 1
			}
			patch(row[:width], image, c, int64(p)/c.OutShape[1], int64(p)%c.OutShape[1])
		}
	}
	return m
}

// patch writes what the kernel sees at one position of the output.
func patch[F kernel.Float](dst, image []F, c *Conv, oy, ox int64) {
	height, width := c.InShape[1], c.InShape[2]
	i := 0
	for channel := range c.InShape[0] {
		for ky := range c.Kernel[0] {
			y := oy*c.Stride[0] + ky*c.Dilation[0] - c.Padding[0]
			for kx := range c.Kernel[1] {
				x := ox*c.Stride[1] + kx*c.Dilation[1] - c.Padding[1]
				dst[i] = 0
				if y >= 0 && y < height && x >= 0 && x < width {
					dst[i] = image[(channel*height+y)*width+x]
				}
				i++
			}
		}
	}
}
