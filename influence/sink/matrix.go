package sink

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/zeebo/xxh3"
)

// A MatrixFormat says how the whole score matrix is written.
type MatrixFormat string

// Formats of the matrix.
const (
	NoMatrix    MatrixFormat = ""
	NPYMatrix   MatrixFormat = "npy"   // matrix.npy
	ArrowMatrix MatrixFormat = "arrow" // matrix.arrow
)

// matrixWindow is the most that a unit buffers between file and checksum.
const matrixWindow = 1 << 20

// matrix writes every score into parts/matrix.npy, query entries down and
// train positions across. The file has its full length from the start and is
// written with plain writes only, never through a mapping, so that a full disk
// is an error. A unit's part of the file is synced before the unit is recorded.
//
// State of a unit: XXH3 of its scores, query entry by query entry.
//
// Tiles of many train rows write best: a tile is turned in memory and costs
// one write per query entry. A unit is read back once for its checksum.
type matrix struct {
	final string // where Commit moves the file
	path  string // where the units go
	files openFile

	layout influence.Layout
	head   int64

	mu sync.Mutex
	f  handle
}

func newMatrix(dir string, open openFile) *matrix {
	return &matrix{
		final: filepath.Join(dir, matrixNPYName),
		path:  filepath.Join(dir, partsName, matrixNPYName),
		files: open,
	}
}

func (r *matrix) name() string { return "matrix" }

func (r *matrix) begin(l influence.Layout) error {
	r.layout = l
	head, err := dataset.NPYHeaderBytes(fmt.Sprintf("<f%d", l.Precision.Bytes()), l.Query, l.Train)
	if err != nil {
		return err
	}
	r.head = int64(len(head))
	if err := os.MkdirAll(filepath.Dir(r.path), 0o777); err != nil {
		return err
	}
	if err := r.takeBack(); err != nil {
		return err
	}
	f, err := r.files(r.path, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return err
	}
	r.f = f
	if err := f.Truncate(r.head + l.Query*l.Train*l.Precision.Bytes()); err != nil {
		return fmt.Errorf("making room in %s: %w", r.path, err)
	}
	if _, err := f.WriteAt(head, 0); err != nil {
		return fmt.Errorf("writing %s: %w", r.path, err)
	}
	return nil
}

// takeBack undoes the move of a Commit that did not come to its end.
func (r *matrix) takeBack() error {
	if _, err := os.Lstat(r.path); err == nil || !errors.Is(err, os.ErrNotExist) {
		return err
	}
	err := os.Rename(r.final, r.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// offset returns where the score of an entry on a position stands in the file.
func (r *matrix) offset(entry, position int64) int64 {
	return r.head + (entry*r.layout.Train+position)*r.layout.Precision.Bytes()
}

// opened returns the file, or nil after close.
func (r *matrix) opened() handle {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.f
}

func (r *matrix) open(unit influence.Range2) (unitState, error) { return &matrixUnit{r, unit}, nil }

// matrixUnit is the unit state of matrix.
type matrixUnit struct {
	r    *matrix
	area influence.Range2
}

func (u *matrixUnit) add(t influence.Tile) error {
	r, f := u.r, u.r.opened()
	if f == nil {
		return errors.New("the matrix is closed")
	}
	size, width := r.layout.Precision.Bytes(), t.Query.Len()
	column := make([]byte, 0, t.Train.Len()*size)
	for e := range width {
		column = column[:0]
		for i := range t.Train.Len() {
			if t.F64 != nil {
				column = appendScore(column, t.F64[i*width+e], influence.Float64)
			} else {
				column = appendScore(column, float64(t.F32[i*width+e]), influence.Float32)
			}
		}
		if _, err := f.WriteAt(column, r.offset(t.Query.Lo+e, t.Train.Lo)); err != nil {
			return fmt.Errorf("writing %s: %w", r.path, err)
		}
	}
	return nil
}

func (u *matrixUnit) finish() ([]byte, error) {
	f := u.r.opened()
	if f == nil {
		return nil, errors.New("the matrix is closed")
	}
	if err := f.Sync(); err != nil {
		return nil, fmt.Errorf("writing %s: %w", u.r.path, err)
	}
	sum, err := u.r.sum(f, u.area)
	return binary.LittleEndian.AppendUint64(nil, sum), err
}

func (r *matrix) sum(f handle, area influence.Range2) (uint64, error) {
	h := xxh3.New()
	window := max(matrixWindow/r.layout.Precision.Bytes(), 1)
	buf := make([]byte, min(window, area.Train.Len())*r.layout.Precision.Bytes())
	for e := area.Query.Lo; e < area.Query.Hi; e++ {
		for i := area.Train.Lo; i < area.Train.Hi; i += window {
			part := buf[:min(window, area.Train.Hi-i)*r.layout.Precision.Bytes()]
			if _, err := f.ReadAt(part, r.offset(e, i)); err != nil {
				return 0, fmt.Errorf("reading %s: %w", r.path, err)
			}
			_, _ = h.Write(part) // A hash never fails.
		}
	}
	return h.Sum64(), nil
}

func (r *matrix) check(area influence.Range2, state section) error {
	var stored [8]byte
	if _, err := state.ReadAt(stored[:], 0); err != nil || state.Size() != 8 {
		return errState
	}
	sum, err := r.sum(r.opened(), area)
	if err != nil {
		return err
	}
	if sum != binary.LittleEndian.Uint64(stored[:]) {
		return fmt.Errorf("%s is damaged in %v", r.path, area)
	}
	return nil
}

// close closes the file; later tiles are errors.
func (r *matrix) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.f == nil {
		return nil
	}
	f := r.f
	r.f = nil
	return f.Close()
}
