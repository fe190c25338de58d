package sink

import (
	"errors"
	"io"

	"github.com/infl-dev/infl/influence"
)

// number is the type of the scores of a job.
type number interface{ float32 | float64 }

// values returns the scores of t, which must be of type F.
func values[F number](t influence.Tile) []F {
	var out []F
	switch p := any(&out).(type) {
	case *[]float32:
		*p = t.F32
	case *[]float64:
		*p = t.F64
	}
	return out
}

// A reducer turns the tiles of a unit into a state that is worth keeping.
type reducer interface {
	// name identifies the kind and the parameters of the state.
	name() string

	// begin tells the grid, before anything else.
	begin(l influence.Layout) error

	// open starts a unit.
	open(unit influence.Range2) (unitState, error)

	// check returns an error where state cannot be that of a finished unit.
	check(unit influence.Range2, state section) error
}

// A unitState collects the tiles of one unit. Each score comes exactly once.
type unitState interface {
	// add takes a tile, concurrently with others.
	add(t influence.Tile) error

	// finish returns the state of the full unit; the last call.
	finish() ([]byte, error)
}

// A section is the state of one reducer in one finished unit.
type section interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// states gives access to the finished units. It is closed section by section.
type states interface {
	section(unit int64, reducer int) (section, error)
}

// readSection reads a whole state.
func readSection(from states, unit int64, reducer int) (_ []byte, err error) {
	s, err := from.section(unit, reducer)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	buf := make([]byte, s.Size())
	if _, err := s.ReadAt(buf, 0); err != nil && !(errors.Is(err, io.EOF) && len(buf) == 0) {
		return nil, err
	}
	return buf, nil
}
