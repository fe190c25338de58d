package sink

import (
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/apache/arrow-go/v18/parquet"
)

// NoToken is the Token of an [Entry] that is about a whole train row.
const NoToken = -1

// Finer says that scores are about parts of a model or of train rows. The zero value has
// whole ones.
type Finer struct {
	// Modules are the names of the parts of the model that query entries are about, in
	// the place of outputs: entry e is about module e mod len. nil for the whole model.
	Modules []string

	// Dampings are what the curvature is damped by that query entries are about, in the
	// place of outputs: entry e is about damping e mod len. nil for one. They do not go
	// together with Modules.
	Dampings []float64

	// Tokens has where the tokens of each row of the train table begin, and the last
	// one's end. The train rows of the job are then numbers of tokens. nil for whole
	// rows.
	Tokens []int64
}

// asked reports whether tables have the columns module and token.
func (f Finer) asked() bool { return f.Modules != nil || f.Tokens != nil }

// parts returns how many entries a query row has for modules or dampings; 0 for neither.
func (f Finer) parts() int { return len(f.Modules) + len(f.Dampings) }

// validate lists what is wrong for a train table of some rows.
func (f Finer) validate(rows int64) error {
	var errs []error
	if f.Tokens != nil && (int64(len(f.Tokens)) != rows+1 || f.Tokens[0] != 0 || !slices.IsSorted(f.Tokens)) {
		errs = append(errs, fmt.Errorf("the tokens of %d train rows are not %d numbers that begin at 0 and never fall", rows, rows+1))
	}
	if f.Modules != nil && len(f.Modules) == 0 {
		errs = append(errs, errors.New("there are no modules"))
	}
	if f.Dampings != nil && (len(f.Dampings) == 0 || f.Modules != nil) {
		errs = append(errs, fmt.Errorf("%d dampings and %d modules", len(f.Dampings), len(f.Modules)))
	}
	return errors.Join(errs...)
}

// numbers returns how many numbers a train row of the job may have.
func (f Finer) numbers(rows int64) int64 {
	if f.Tokens == nil {
		return rows
	}
	return f.Tokens[rows]
}

// trainRow returns the row of the train table that a number of the job stands for, and
// which token of it.
func (f Finer) trainRow(number int64) (row int64, token int32) {
	if f.Tokens == nil {
		return number, NoToken
	}
	row = int64(sort.Search(len(f.Tokens), func(i int) bool { return f.Tokens[i] > number })) - 1
	return row, int32(number - f.Tokens[row])
}

// module returns the name of the module that an output stands for, and whether there is
// one.
func (f Finer) module(output int32) (string, bool) {
	if f.Modules == nil {
		return "", false
	}
	return f.Modules[output], true
}

// output returns what the column output holds.
func (f Finer) output(output int32) int32 {
	if f.parts() > 0 {
		return NoOutput
	}
	return output
}

// finerColumns are the columns module and token, and damping.
type finerColumns struct {
	of                     Finer
	module, token, damping *column
}

func newFinerColumns(of Finer) finerColumns {
	return finerColumns{
		of:     of,
		module: &column{name: "module", kind: parquet.Types.ByteArray, nullable: true, repeats: true},
		token:  &column{name: "token", kind: parquet.Types.Int32, nullable: true},

		damping: scoreColumn("damping", true),
	}
}

// list returns the columns where they are asked for.
func (c finerColumns) list() (columns []*column) {
	if c.of.asked() {
		columns = append(columns, c.module, c.token)
	}
	if c.of.Dampings != nil {
		columns = append(columns, c.damping)
	}
	return columns
}

// add appends an output's module or damping, and a token.
func (c finerColumns) add(output, token int32) {
	if c.of.Dampings != nil {
		c.damping.score(c.of.Dampings[output])
	}
	if !c.of.asked() {
		return
	}
	name, known := c.of.module(output)
	c.module.text(name, known)
	c.token.output(token)
}
