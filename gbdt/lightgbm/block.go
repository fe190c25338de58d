package lightgbm

import (
	"errors"
	"fmt"
	"math"

	"github.com/infl-dev/infl/gbdt"
)

// A block is a tree while its lines are read.
type block struct {
	tree     gbdt.Tree
	features int    // of the model
	leaves   int    // L, from num_leaves
	sets     int    // number of category sets, from num_cat
	linear   bool   // leaves are linear models
	seen     uint32 // bit i: line i of blockLines was there
}

func newBlock(features int) *block {
	return &block{features: features, tree: gbdt.Tree{Shrinkage: 1, RootValue: math.NaN()}}
}

// A blockLine reads the value of one key of a tree.
type blockLine struct {
	key  string
	need need
	read func(b *block, text []byte) error
}

// need says which trees must have a line.
type need uint8

const (
	never need = iota
	always
	splits     // trees with inner nodes
	categories // trees with category sets
)

// blockLines are the lines that are used. The first must come before all that
// have a length.
var blockLines = []blockLine{
	{"num_leaves", always, func(b *block, text []byte) (err error) {
		b.leaves, err = count(text, 1)
		return err
	}},
	{"num_cat", never, func(b *block, text []byte) (err error) {
		b.sets, err = count(text, 0)
		return err
	}},
	{"split_feature", splits, func(b *block, text []byte) (err error) {
		b.tree.Feature, err = integers[int32](text, b.leaves-1, 0, int64(b.features)-1)
		return err
	}},
	{"threshold", splits, func(b *block, text []byte) (err error) {
		b.tree.Threshold, err = thresholds(text, b.leaves-1)
		return err
	}},
	{"decision_type", splits, (*block).readRules},
	{"left_child", splits, func(b *block, text []byte) (err error) {
		b.tree.Left, err = b.children(text)
		return err
	}},
	{"right_child", splits, func(b *block, text []byte) (err error) {
		b.tree.Right, err = b.children(text)
		return err
	}},
	{"leaf_value", always, func(b *block, text []byte) (err error) {
		b.tree.LeafValue, err = floats(text, b.leaves)
		return err
	}},
	{"leaf_weight", never, func(b *block, text []byte) (err error) {
		if !b.unweighed(text) {
			b.tree.LeafWeight, err = floats(text, b.leaves)
		}
		return err
	}},
	{"leaf_count", never, func(b *block, text []byte) (err error) {
		if !b.unweighed(text) {
			b.tree.LeafCount, err = integers[int64](text, b.leaves, 0, math.MaxInt64)
		}
		return err
	}},
	{"internal_value", never, func(b *block, text []byte) (err error) {
		if root, _ := cutField(text); len(root) > 0 && b.leaves > 1 {
			b.tree.RootValue, err = parseFloat(root)
		}
		return err
	}},
	{"cat_boundaries", categories, (*block).readBounds},
	{"cat_threshold", categories, (*block).readBits},
	{"is_linear", never, func(b *block, text []byte) error {
		b.linear = string(text) == "1"
		return nil
	}},
	{"shrinkage", never, func(b *block, text []byte) error {
		v, err := floats(text, 1)
		if err == nil {
			b.tree.Shrinkage = v[0]
		}
		return err
	}},
}

var blockKeys = func() map[string]int {
	keys := make(map[string]int, len(blockLines))
	for i, l := range blockLines {
		keys[l.key] = i
	}
	return keys
}()

// read takes the line "key=text"; it skips keys that are not known.
func (b *block) read(key, text []byte) error {
	i, ok := blockKeys[string(key)]
	if !ok {
		return nil
	}
	if b.seen&(1<<i) != 0 {
		return errors.New("the key appears twice in the tree")
	}
	if i > 0 && b.leaves == 0 {
		return errors.New("num_leaves has to come first")
	}
	b.seen |= 1 << i
	return blockLines[i].read(b, text)
}

// finish checks that the tree is complete, and finds the category sets.
func (b *block) finish() error {
	for i, l := range blockLines {
		needed := l.need == always || l.need == splits && b.leaves > 1 || l.need == categories && b.sets > 0
		if needed && b.seen&(1<<i) == 0 {
			return fmt.Errorf("the line %s is missing", l.key)
		}
	}
	return b.findSets()
}

// unweighed reports whether a line of leaf weights or counts says nothing: it
// is empty, or it holds the 0 that some versions write for a constant tree.
func (b *block) unweighed(text []byte) bool {
	first, _ := cutField(text)
	return len(first) == 0 || b.leaves == 1 && string(first) == "0"
}

func (b *block) children(text []byte) ([]int32, error) {
	return integers[int32](text, b.leaves-1, -int64(b.leaves), int64(b.leaves)-2)
}

// count reads a number of things.
func count(text []byte, least int64) (int, error) {
	n, err := integers[int32](text, 1, least, math.MaxInt32-1)
	if err != nil {
		return 0, err
	}
	return int(n[0]), nil
}
