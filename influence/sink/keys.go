package sink

import "fmt"

// Keys are the user's own names of the rows of one table, by row number. All
// keys of a table have one type. Implementations must allow concurrent reads.
type Keys interface {
	Len() int64            // rows of the table
	IsInt() bool           // whether keys are int64 rather than text
	Int(i int64) int64     // key of row i where IsInt
	String(i int64) string // key of row i as text, in either case
}

// RowNumbers are the keys of a table of n rows without keys of its own:
// 0 … n−1.
type RowNumbers int64

// Len returns n.
func (n RowNumbers) Len() int64 { return int64(n) }

// IsInt returns true.
func (n RowNumbers) IsInt() bool { return true }

// Int returns i.
func (n RowNumbers) Int(i int64) int64 { return i }

// String returns i in decimals.
func (n RowNumbers) String(i int64) string { return fmt.Sprint(i) }

// A Key is one key of either type. Exactly one field counts: Int where IsInt,
// else Text.
type Key struct {
	IsInt bool
	Int   int64
	Text  string
}

// String returns the key as text.
func (k Key) String() string {
	if k.IsInt {
		return fmt.Sprint(k.Int)
	}
	return k.Text
}

func keyOf(keys Keys, row int64) Key {
	if keys.IsInt() {
		return Key{IsInt: true, Int: keys.Int(row)}
	}
	return Key{Text: keys.String(row)}
}
