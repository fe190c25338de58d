package dataset

import (
	"bytes"
	"math"
	"strconv"

	"github.com/zeebo/xxh3"
)

// Keys are the user's names of the rows, all different: int64, text, or, where
// the binding names no key column, the row numbers 0…n−1. Keys are not changed
// once [Bound.Keys] has returned them and may be used from several goroutines.
//
// They take eight bytes a row, or the bytes of the text and eight, and four to
// eight bytes a row for the index behind [Keys.Find].
type Keys struct {
	synthetic bool
	n         int64
	ints      []int64  // of integer keys
	arena     []byte   // of text keys: all bytes, one key after the other
	ends      []int64  // of text keys: where each key ends in the arena
	isText    bool     // the keys are text
	typed     bool     // the file says that keys are text, so they are never read as integers
	slots     []uint32 // open hash table of row + 1; its length is a power of two
}

// RowKeys returns the keys 0…n−1.
func RowKeys(n int64) *Keys { return &Keys{synthetic: true, n: n} }

// IntKeys returns keys of rows 0, 1, …. An integer that stands twice is an [*Error]
// that names both rows.
func IntKeys(keys []int64) (*Keys, error) {
	k := &Keys{}
	for _, v := range keys {
		if err := k.addInt(v); err != nil {
			err.Hint = ""
			return nil, err
		}
	}
	return k, nil
}

// TextKeys returns keys of rows 0, 1, …, which stay text where they are written as
// integers. A key that stands twice is an [*Error] that names both rows, an empty one
// an [*Error] that names the row.
func TextKeys(keys []string) (*Keys, error) {
	k := &Keys{typed: true, isText: true}
	for i, v := range keys {
		if v == "" {
			return nil, problem("the key of row %d is empty", i)
		}
		if err := k.addText(v); err != nil {
			err.Hint = ""
			return nil, err
		}
	}
	return k, nil
}

// Len returns the number of keys.
func (k *Keys) Len() int64 { return k.n }

// IsInt reports whether the keys are integers; otherwise they are text.
func (k *Keys) IsInt() bool { return !k.isText }

// Int returns the key of row i, 0 ≤ i < Len, where IsInt; otherwise 0.
func (k *Keys) Int(i int64) int64 {
	switch {
	case k.isText:
		return 0
	case k.synthetic:
		return i
	}
	return k.ints[i]
}

// String returns the key of row i, 0 ≤ i < Len, as text.
func (k *Keys) String(i int64) string {
	if k.isText {
		return string(k.text(i))
	}
	return strconv.FormatInt(k.Int(i), 10)
}

// Find returns the row whose key is written so.
func (k *Keys) Find(key string) (row int64, ok bool) {
	if k.isText {
		return k.lookup(xxh3.HashString(key), func(row int64) bool { return string(k.text(row)) == key })
	}
	v, ok := canonicalInt(key)
	switch {
	case !ok:
		return 0, false
	case k.synthetic:
		return v, v >= 0 && v < k.n
	}
	return k.lookup(hashInt(v), func(row int64) bool { return k.ints[row] == v })
}

func (k *Keys) text(i int64) []byte {
	start := int64(0)
	if i > 0 {
		start = k.ends[i-1]
	}
	return k.arena[start:k.ends[i]]
}

// lookup walks the hash table from a hash on.
func (k *Keys) lookup(hash uint64, equal func(row int64) bool) (int64, bool) {
	if len(k.slots) == 0 {
		return 0, false
	}
	mask := uint64(len(k.slots) - 1)
	for h := hash & mask; k.slots[h] != 0; h = (h + 1) & mask {
		if row := int64(k.slots[h] - 1); equal(row) {
			return row, true
		}
	}
	return 0, false
}

// hashInt mixes the bits of v, so that runs of integers spread over the table.
func hashInt(v int64) uint64 {
	h := uint64(v) * 0x9e3779b97f4a7c15
	return h ^ h>>32
}

func (k *Keys) hash(row int64) uint64 {
	if k.isText {
		return xxh3.Hash(k.text(row))
	}
	return hashInt(k.ints[row])
}

// addInt appends an integer key.
func (k *Keys) addInt(v int64) *Error {
	if k.isText {
		return k.addText(strconv.FormatInt(v, 10))
	}
	if row, again := k.lookup(hashInt(v), func(row int64) bool { return k.ints[row] == v }); again {
		return duplicateKey(strconv.FormatInt(v, 10), row, k.n)
	}
	k.ints = append(k.ints, v)
	return k.index()
}

// addText appends a text key. The first one turns the integers before it into
// text; they are canonical, so their text is what the file holds.
func (k *Keys) addText(s string) *Error {
	if !k.isText {
		k.isText = true
		for _, v := range k.ints {
			k.arena = strconv.AppendInt(k.arena, v, 10)
			k.ends = append(k.ends, int64(len(k.arena)))
		}
		k.ints = nil
		k.rehash(len(k.slots))
	}
	want := []byte(s)
	if row, again := k.lookup(xxh3.Hash(want), func(row int64) bool { return bytes.Equal(k.text(row), want) }); again {
		return duplicateKey(s, row, k.n)
	}
	k.arena = append(k.arena, s...)
	k.ends = append(k.ends, int64(len(k.arena)))
	return k.index()
}

func duplicateKey(key string, first, second int64) *Error {
	e := problem("the key %s stands in row %d and again in row %d", quote(key), first, second).hint("keys must be unique; leave --key out to number the rows")
	e.Key = key
	return e
}

// index enters the newest key into the table, at most three quarters full.
func (k *Keys) index() *Error {
	if k.n == math.MaxUint32-1 {
		return problem("more than %d rows with keys", int64(math.MaxUint32-1)).hint("leave --key out to number the rows")
	}
	k.n++
	if k.n*4 > int64(len(k.slots))*3 {
		k.rehash(max(16, 2*len(k.slots)))
	} else {
		k.enter(k.n - 1)
	}
	return nil
}

func (k *Keys) enter(row int64) {
	mask := uint64(len(k.slots) - 1)
	h := k.hash(row) & mask
	for k.slots[h] != 0 {
		h = (h + 1) & mask
	}
	k.slots[h] = uint32(row + 1)
}

// rehash builds the table anew with the given number of slots.
func (k *Keys) rehash(slots int) {
	if slots == 0 {
		return
	}
	k.slots = make([]uint32, slots)
	for row := range k.n {
		k.enter(row)
	}
}

// A keyDecoder appends keys.
type keyDecoder struct{ keys *Keys }

const maxExactInt = 1 << 53 // beyond, JSON readers that use float64 lose digits

func (d keyDecoder) cell(_ int, c cell) error {
	if err := d.add(c); err != nil {
		return err
	}
	return nil
}

func (d keyDecoder) add(c cell) *Error {
	switch c.kind {
	case integerCell:
		return d.keys.addInt(c.integer)
	case textCell:
		if c.text == "" {
			break
		}
		if v, ok := canonicalInt(c.text); ok && !d.keys.typed {
			return d.keys.addInt(v)
		}
		return d.keys.addText(c.text)
	case jsonNumber:
		v, ok := canonicalInt(c.text)
		if !ok {
			return problem("the key %s is not an integer that int64 holds", c.text).hint("write it as a quoted string")
		}
		if v > maxExactInt || v < -maxExactInt {
			return problem("the key %s is beyond 2^53, where JSON numbers lose digits", c.text).hint("write it as a quoted string")
		}
		return d.keys.addInt(v)
	case boolCell, numberCell, nestedCell:
		return problem("the key %s is neither an integer nor text", quote(c.display()))
	}
	return problem("the key is missing")
}
