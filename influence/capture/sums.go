package capture

import (
	"math"
	"strings"

	"github.com/infl-dev/infl/internal/kernel"
)

// InputSum returns Σ [a, 1]·[a, 1]ᵀ over all rows a of an input group, at level factors:
// width + 1 rows and columns, the number of rows in the last place. Sums of shards are
// added in their order. It is an error where there is none, and where it cannot be such a
// sum: a number that is not finite, a negative one on the diagonal, another one on the
// other side of it, or a number of rows that is not whole.
func (c *Capture) InputSum(group string) (kernel.Matrix[float64], error) {
	sum, err := c.sum("A/" + group)
	if err != nil {
		return sum, err
	}
	if rows := sum.At(sum.Rows-1, sum.Cols-1); rows != math.Trunc(rows) || rows > 1<<53 {
		return sum, problem(c.dir, "A/%s counts %g rows", group, rows)
	}
	return sum, nil
}

// OutputSum returns Σ g·gᵀ over all rows g of the gradients of a module's outputs, on the
// terms of [Capture.InputSum].
func (c *Capture) OutputSum(module string) (kernel.Matrix[float64], error) {
	return c.sum("S/" + module)
}

// SquareSum returns Σ (Q_Sᵀ·G·Q_A)², entry by entry, over the gradients G of a module's
// weights for all examples, out × Columns numbers, in the eigenbases that the manifest's
// Basis tells of, on the terms of [Capture.InputSum].
func (c *Capture) SquareSum(module string) (kernel.Matrix[float64], error) {
	sum, err := c.added("L/" + module)
	if err != nil {
		return sum, err
	}
	for i, v := range sum.Data {
		if !(v >= 0) || v-v != 0 {
			return sum, problem(c.dir, "L/%s holds %g as number %d; it is no sum of squares", module, v, i)
		}
	}
	return sum, nil
}

// sum adds the sums of outer products of a tensor in all shards.
func (c *Capture) sum(tensor string) (kernel.Matrix[float64], error) {
	sum, err := c.added(tensor)
	if err != nil {
		return sum, err
	}
	for i := range sum.Rows {
		for j := range i + 1 {
			if v := sum.At(i, j); v-v != 0 || v != sum.At(j, i) || i == j && v < 0 {
				return sum, problem(c.dir, "%s holds %g in row %d, column %d; it is no sum of outer products", tensor, v, i, j)
			}
		}
	}
	return sum, nil
}

// added adds up a tensor that each shard has as a whole.
func (c *Capture) added(tensor string) (sum kernel.Matrix[float64], err error) {
	of, there := c.stored[tensor]
	if !there || c.manifest.Level != Factors {
		return sum, problem(c.dir, "holds no sum %q; the manifest says which there are", tensor)
	}
	rows := of.Rows() / int64(len(c.manifest.Shards))
	sum = kernel.NewMatrix[float64](int(rows), of.Cols())
	var buffer []uint64
	for lo := int64(0); lo < of.Rows(); lo += rows {
		part, err := of.Read(lo, rows, &buffer)
		if err != nil {
			return sum, err
		}
		for i, v := range part.Float64 {
			sum.Data[i] += v
		}
	}
	return sum, nil
}

// SummedRows returns how many rows the sums of a group are of.
func (c *Capture) SummedRows(group string) (int64, error) {
	sum, err := c.InputSum(group)
	if err != nil {
		return 0, err
	}
	return int64(sum.At(sum.Rows-1, sum.Cols-1)), nil
}

// verifySums returns one sentence for each sum that is none.
func (c *Capture) verifySums() (problems []string) {
	m := &c.manifest
	if m.Level != Factors {
		return nil
	}
	note := func(_ kernel.Matrix[float64], err error) {
		if err != nil {
			problems = append(problems, err.Error())
		}
	}
	for _, x := range m.sumContents() {
		switch kind, name, _ := strings.Cut(x.name, "/"); kind {
		case "A":
			note(c.InputSum(name))
		case "S":
			note(c.OutputSum(name))
		default:
			note(c.SquareSum(name))
		}
	}
	return problems
}
