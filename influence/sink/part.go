package sink

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/zeebo/xxh3"

	"github.com/infl-dev/infl/internal/durable"
)

// partMagic begins every part file.
const partMagic = "INFLPRT1"

// Prefixes of parts: of the run's own scores, and of a pass before them.
const (
	unitPrefix  = "unit-"
	firstPrefix = "first-"
)

// partStore keeps each finished unit as a file parts/unit-N.part. A part is,
// little endian:
//
//	8 bytes  "INFLPRT1"
//	uint64   fingerprint of the grid and of what is kept
//	int64    unit
//	int64    number of states
//	int64 …  length of each state
//	bytes    the states
//	uint64   XXH3 of everything before
//
// A part is written under a temporary name, synced and renamed, so that a part
// is whole or damaged from outside; a damaged one counts as missing.
type partStore struct {
	dir    string
	prefix string // of the names of files
	open   openFile
	grid   uint64

	mu   sync.Mutex
	held map[int64][]int64 // offsets of the states of each unit, and their end
}

func newPartStore(dir string, open openFile) *partStore {
	return &partStore{dir: dir, prefix: unitPrefix, open: open, held: make(map[int64][]int64)}
}

func (p *partStore) path(unit int64) string {
	return filepath.Join(p.dir, fmt.Sprintf("%s%08d.part", p.prefix, unit))
}

func (p *partStore) begin(grid uint64, units int64) error {
	p.grid = grid
	if err := os.MkdirAll(p.dir, 0o777); err != nil {
		return err
	}
	for u := range units {
		offsets, err := p.verify(u)
		var damaged *damagedPart
		switch {
		case errors.Is(err, os.ErrNotExist):
		case errors.As(err, &damaged):
			if err := durable.RemoveIfThere(p.path(u)); err != nil {
				return err
			}
		case err != nil:
			return err
		default:
			p.held[u] = offsets
		}
	}
	return nil
}

// damagedPart says that a part is not what was written.
type damagedPart struct{ path, reason string }

func (e *damagedPart) Error() string { return fmt.Sprintf("%s is damaged: %s", e.path, e.reason) }

// verify reads a whole part and returns the offsets of its states.
func (p *partStore) verify(unit int64) (_ []int64, err error) {
	path := p.path(unit)
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() < 40 {
		return nil, &damagedPart{path, "it is too short"}
	}
	hash := xxh3.New()
	if _, err := io.CopyN(hash, f, info.Size()-8); err != nil {
		return nil, err
	}
	var end [8]byte
	if _, err := io.ReadFull(f, end[:]); err != nil {
		return nil, err
	}
	if hash.Sum64() != binary.LittleEndian.Uint64(end[:]) {
		return nil, &damagedPart{path, "its checksum differs"}
	}
	return p.offsets(f, path, unit, info.Size())
}

// offsets reads the head of a part whose checksum is right.
func (p *partStore) offsets(f io.ReaderAt, path string, unit, size int64) ([]int64, error) {
	var head [32]byte
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return nil, err
	}
	count := int64(binary.LittleEndian.Uint64(head[24:]))
	if string(head[:8]) != partMagic || count < 0 || count > (size-40)/8 {
		return nil, &damagedPart{path, "it is no part"}
	}
	if int64(binary.LittleEndian.Uint64(head[16:])) != unit {
		return nil, &damagedPart{path, "it holds another unit"}
	}
	if binary.LittleEndian.Uint64(head[8:]) != p.grid {
		return nil, fmt.Errorf("%s belongs to a job of another shape; start afresh (--fresh) or choose another folder", path)
	}
	lengths := make([]byte, 8*count)
	if _, err := f.ReadAt(lengths, 32); err != nil {
		return nil, err
	}
	offsets := []int64{32 + 8*count}
	for i := range count {
		n := int64(binary.LittleEndian.Uint64(lengths[8*i:]))
		offsets = append(offsets, offsets[i]+n)
		if n < 0 || offsets[i+1] > size-8 {
			return nil, &damagedPart{path, "its lengths do not fit"}
		}
	}
	if offsets[count] != size-8 {
		return nil, &damagedPart{path, "its length differs"}
	}
	return offsets, nil
}

func (p *partStore) done(unit int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held[unit] != nil
}

func (p *partStore) save(unit int64, states [][]byte) error {
	head := append([]byte(partMagic), make([]byte, 24)...)
	binary.LittleEndian.PutUint64(head[8:], p.grid)
	binary.LittleEndian.PutUint64(head[16:], uint64(unit))
	binary.LittleEndian.PutUint64(head[24:], uint64(len(states)))
	offsets := []int64{int64(32 + 8*len(states))}
	for i, s := range states {
		head = binary.LittleEndian.AppendUint64(head, uint64(len(s)))
		offsets = append(offsets, offsets[i]+int64(len(s)))
	}
	_, _, err := writeAtomic(p.open, p.path(unit), func(w io.Writer) error {
		hash := xxh3.New()
		both := io.MultiWriter(w, hash)
		for _, b := range append([][]byte{head}, states...) {
			if _, err := both.Write(b); err != nil {
				return err
			}
		}
		_, err := w.Write(binary.LittleEndian.AppendUint64(nil, hash.Sum64()))
		return err
	})
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held[unit] = offsets
	return nil
}

func (p *partStore) drop(unit int64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.held, unit)
	return durable.RemoveIfThere(p.path(unit))
}

// partSection is one state in an open part.
type partSection struct {
	*io.SectionReader
	io.Closer
}

func (p *partStore) section(unit int64, reducer int) (section, error) {
	p.mu.Lock()
	offsets := p.held[unit]
	p.mu.Unlock()
	if reducer+1 >= len(offsets) {
		return nil, fmt.Errorf("unit %d holds no state %d", unit, reducer)
	}
	f, err := os.Open(p.path(unit))
	if err != nil {
		return nil, err
	}
	return partSection{io.NewSectionReader(f, offsets[reducer], offsets[reducer+1]-offsets[reducer]), f}, nil
}
