package retrain

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"sync"

	"github.com/zeebo/xxh3"

	"github.com/infl-dev/infl/internal/durable"
)

// A Journal is a Trainer that keeps each answer of another one in a file of its own and
// gives it again when the same change is asked for. It does not know whether the
// trainer or its data have become others: that is for the caller.
//
// The file of a change is unit-HASH.part, little endian:
//
//	8 bytes    "INFLFIT1"
//	16 bytes   hash of the change
//	int64      q, and 1 where classes follow, else 0
//	float64 …  losses, then int64 … classes
//	uint64     XXH3 of everything before
//
// It is written under a temporary name, synced and renamed; a damaged one counts as
// missing. A change that several goroutines ask for at the same time is trained once.
type Journal struct {
	Trainer Trainer
	Folder  string // must exist

	mu   sync.Mutex
	fits map[[16]byte]*sync.Mutex // held while the change is trained
}

const fitMagic = "INFLFIT1"

// Fit implements Trainer.
func (j *Journal) Fit(ctx context.Context, c Change) (Answer, error) {
	if err := ctx.Err(); err != nil {
		return Answer{}, err
	}
	fit := j.fit(c)
	fit.Lock()
	defer fit.Unlock()
	if a, ok := j.Kept(c); ok {
		return a, nil
	}
	a, err := j.Trainer.Fit(ctx, c)
	if err != nil {
		return a, err
	}
	return a, j.keep(c, a)
}

// fit returns the lock of a change.
func (j *Journal) fit(c Change) *sync.Mutex {
	j.mu.Lock()
	defer j.mu.Unlock()
	hash := hashOf(c)
	if j.fits == nil {
		j.fits = map[[16]byte]*sync.Mutex{}
	}
	if j.fits[hash] == nil {
		j.fits[hash] = new(sync.Mutex)
	}
	return j.fits[hash]
}

// Kept returns the answer to a change where it is there already.
func (j *Journal) Kept(c Change) (Answer, bool) {
	b, err := os.ReadFile(j.path(c))
	if err != nil {
		return Answer{}, false
	}
	return decodeFit(b, hashOf(c))
}

func (j *Journal) path(c Change) string {
	return filepath.Join(j.Folder, fmt.Sprintf("unit-%x.part", hashOf(c)))
}

func (j *Journal) keep(c Change, a Answer) error {
	return durable.Write(j.path(c), func(w io.Writer) error {
		_, err := w.Write(encodeFit(a, hashOf(c)))
		return err
	})
}

// hashOf tells changes apart.
func hashOf(c Change) [16]byte {
	var b []byte
	add := func(v uint64) { b = binary.LittleEndian.AppendUint64(b, v) }
	add(c.Seed)
	for _, rows := range [][]int64{c.Removed, c.Relabelled} {
		add(uint64(len(rows)))
		for _, row := range rows {
			add(uint64(row))
		}
	}
	for _, y := range c.Labels {
		add(math.Float64bits(y))
	}
	return xxh3.Hash128(b).Bytes()
}

func encodeFit(a Answer, hash [16]byte) []byte {
	b := append([]byte(fitMagic), hash[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(a.Losses)))
	classes := uint64(0)
	if a.Classes != nil {
		classes = 1
	}
	b = binary.LittleEndian.AppendUint64(b, classes)
	for _, loss := range a.Losses {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(loss))
	}
	for _, class := range a.Classes {
		b = binary.LittleEndian.AppendUint64(b, uint64(class))
	}
	return binary.LittleEndian.AppendUint64(b, xxh3.Hash(b))
}

func decodeFit(b []byte, hash [16]byte) (a Answer, ok bool) {
	const head = len(fitMagic) + 16 + 8 + 8
	if len(b) < head+8 || string(b[:8]) != fitMagic || [16]byte(b[8:24]) != hash {
		return a, false
	}
	body, end := b[head:len(b)-8], binary.LittleEndian.Uint64(b[len(b)-8:])
	if xxh3.Hash(b[:len(b)-8]) != end {
		return a, false
	}
	q, classes := binary.LittleEndian.Uint64(b[24:]), binary.LittleEndian.Uint64(b[32:])
	if classes > 1 || q > uint64(len(body)) || uint64(len(body)) != 8*q*(1+classes) {
		return a, false
	}
	word := func(i uint64) uint64 { return binary.LittleEndian.Uint64(body[8*i:]) }
	a.Losses = make([]float64, q)
	for e := range q {
		a.Losses[e] = math.Float64frombits(word(e))
	}
	for e := range classes * q {
		a.Classes = append(a.Classes, int64(word(q+e)))
	}
	return a, true
}
