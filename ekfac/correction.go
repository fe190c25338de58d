package ekfac

import (
	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/internal/kernel"
)

// A correction is the sum of the squares of the gradients of examples in the eigenbasis
// of a module, or as they are where it has none, entry by entry:
//
//	Λ = Σ (Q_Sᵀ·G[n]·Q_A)²
//
// The squares of a group of examples are one chain of additions for each entry.
type correction[F kernel.Float] struct {
	tally
	inputs, outputs *rotation[F]
	ofRows          bool             // rows are taken one by one, by their squares
	group           kernel.Matrix[F] // the sum of the squares of an unfinished group

	starts    []int64 // of the rows of all examples
	gradients []F     // of some examples
	rotated   []F     // the same, half rotated

	stored kernel.Matrix[F] // gradients that are stored, of block
	block  *capture.Block

	expected *expectedSquares[F] // nil for the labels of the data set
}

// newCorrection makes the sum of a module; modules with the same inputs share their
// rotation.
func newCorrection[F kernel.Float](f *fit, workers int, m *Module, inputs *rotation[F]) (*correction[F], error) {
	x := outputFactor(m)
	c := &correction[F]{
		tally:  newTally(workers, m, f.exampleGroups(m), lambdaMatrix, m.Name, x.size, int(m.Columns())),
		inputs: inputs, ofRows: f.ofRows(m), group: kernel.NewMatrix[F](x.size, int(m.Columns())),
	}
	if f.capture.Manifest().HasRows() {
		c.starts = f.capture.Starts(m.RowSet)
	}
	var err error
	if f.Labels == ExactLabels {
		c.expected, err = newExpectedSquares[F](f, workers, x)
	} else {
		c.outputs, err = newRotation[F](f, workers, x, c.ofRows)
	}
	return c, err
}

func (c *correction[F]) take(b *capture.Block) (err error) {
	c.eachMissing(b, func(group int64, lo, hi int, ends bool) {
		if err == nil {
			err = c.takeExamples(b, group, lo, hi)
		}
		if ends {
			addGroup(&c.tally, group, c.group)
			clear(c.group.Data)
		}
	})
	return err
}

// takeExamples adds the squares of examples lo … hi−1 of a block.
func (c *correction[F]) takeExamples(b *capture.Block, group int64, lo, hi int) error {
	if c.starts == nil {
		return c.addStored(b, lo, hi)
	}
	starts := b.Starts(c.module.RowSet)[lo : hi+1]
	if !c.ofRows && c.formsFirst(group) {
		return c.addFormed(b, starts)
	}
	a, err := c.inputs.read(b)
	if err != nil {
		return err
	}
	g, err := c.outputRows(b)
	if err != nil {
		return err
	}
	switch first, rows := starts[0], starts[hi-lo]-starts[0]; {
	case c.ofRows:
		c.addRows(a.Block(first, 0, rows, a.Cols), g.Block(first, 0, rows, g.Cols))
	case c.rows*c.cols > batchNumbers:
		c.addLarge(a, g, starts)
	default:
		c.addBatches(a, g, starts)
	}
	return nil
}

// outputRows returns the rotated gradients of the outputs of a block, or their squares.
func (c *correction[F]) outputRows(b *capture.Block) (kernel.Matrix[F], error) {
	if c.expected != nil {
		return c.expected.read(b)
	}
	return c.outputs.read(b)
}
