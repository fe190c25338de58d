package lightgbm

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/infl-dev/infl/gbdt"
)

// Parse reads a whole model in text form, versions v2, v3 and v4 of the
// format, from r; messages call it name. The forest belongs to the caller.
//
// Where the file has no parameters, Train.CatL2 and Train.BoostFromAverage are
// the library's defaults, the rest of Train is zero, and what only parameters
// tell (dart, bagging, label weights) is not seen. Categories are given for
// the features for which the file says without doubt which list is theirs.
//
// Errors of the text are of type *[ParseError]; those of r are wrapped in one and
// can be found with errors.Is.
// Time is linear in the text and memory is at most 32 times the text read,
// plus 1 MB, and for the category sets of a JSON dump up to 64 MB. Parse starts no goroutines.
func Parse(r io.Reader, name string) (*gbdt.Forest, error) {
	return parse(newLines(r), name)
}

func parse(l *lines, name string) (*gbdt.Forest, error) {
	p := &parser{lines: l, name: name, forest: &gbdt.Forest{Library: "lightgbm", Format: "text format"}}
	head, err := l.r.Peek(4096)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, p.failed(err)
	}
	sections := []func() error{p.start, p.readHeader, p.readTrees, p.readTail, p.finish}
	switch {
	case sniffDump(head):
		p.forest.Format = "JSON dump"
		sections = []func() error{p.readDump, p.finish}
	case !sniffText(head):
		return nil, p.failAt(0, "", "%s", mistaken(head))
	}
	for _, section := range sections {
		if err := section(); err != nil {
			return nil, err
		}
	}
	return p.forest, nil
}

// A parser holds what is known of a file so far.
type parser struct {
	lines  *lines
	name   string
	line   []byte // the current line; sections begin at it and leave it at their end
	ended  bool   // there is no current line
	dump   *dump  // nil where the file is a text
	forest *gbdt.Forest

	header   header
	infos    []featureInfo // per feature
	splitCat []bool        // per feature: some tree splits it by category
	linear   bool          // some tree has linear leaves
	settings settings
	lists    [][]any // pandas_categorical; nil where it is absent or null
}

// advance makes the next line the current one.
func (p *parser) advance() error {
	line, err := p.lines.next()
	if errors.Is(err, io.EOF) {
		p.line, p.ended = nil, true
		return nil
	}
	if err != nil {
		return p.failed(err)
	}
	p.line = line
	return nil
}

// failed is an error of reading on.
func (p *parser) failed(err error) error {
	return &ParseError{File: p.name, Line: p.lines.number, Problem: err.Error(), cause: err}
}

// fail is an error in the current line.
func (p *parser) fail(key, format string, args ...any) error {
	return p.failAt(p.lines.number, key, format, args...)
}

// failAt is an error in a line of a text or at a byte of a dump.
func (p *parser) failAt(place int, key, format string, args ...any) error {
	e := &ParseError{File: p.name, Key: key, Problem: fmt.Sprintf(format, args...)}
	if p.dump != nil {
		e.Offset = int64(place)
	} else {
		e.Line = place
	}
	return e
}

// start moves to the line after "tree".
func (p *parser) start() error {
	if err := p.advance(); err != nil {
		return err
	}
	return p.advance()
}

// finish fills what depends on the parameters, and validates the forest.
func (p *parser) finish() error {
	for _, part := range []func() error{p.finishTraining, p.finishObjective, p.finishCategories, p.markCategoricalLeaves} {
		if err := part(); err != nil {
			return err
		}
	}
	if err := p.forest.Validate(); err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return p.failAt(0, "", "%s", first)
	}
	return nil
}

// cutKey splits "key=value".
func cutKey(line []byte) (key, value []byte, ok bool) {
	return bytes.Cut(line, []byte("="))
}

var (
	treePrefix = []byte("Tree=")
	endOfTrees = []byte("end of trees")
)
