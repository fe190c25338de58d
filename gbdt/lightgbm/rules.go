package lightgbm

import (
	"errors"
	"fmt"
	"math"

	"github.com/infl-dev/infl/gbdt"
)

// The fields of a decision type: bit 0 says categorical, bit 1 default left,
// bits 2 and 3 hold the kind of missing values.
const (
	categoricalBit = 1
	defaultLeftBit = 2
	missingShift   = 2
	missingZero    = 1
	missingNaN     = 2
)

func (b *block) readRules(text []byte) error {
	types, err := integers[uint8](text, b.leaves-1, 0, missingNaN<<missingShift|defaultLeftBit|categoricalBit)
	if err != nil {
		return err
	}
	b.tree.Rules = make([]gbdt.Rule, len(types))
	for i, t := range types {
		b.tree.Rules[i] = rule(t)
	}
	return nil
}

func rule(decision uint8) gbdt.Rule {
	var r gbdt.Rule
	if decision&categoricalBit != 0 {
		r |= gbdt.Categorical
	}
	if decision&defaultLeftBit != 0 {
		r |= gbdt.DefaultLeft
	}
	switch decision >> missingShift {
	case missingZero:
		r |= gbdt.ZeroMissing
	case missingNaN:
		r |= gbdt.NaNMissing
	}
	return r
}

func (b *block) readBounds(text []byte) error {
	bounds, err := integers[int32](text, b.sets+1, 0, math.MaxInt32)
	if err != nil {
		return err
	}
	if bounds[0] != 0 {
		return fmt.Errorf("the sets begin at %d, not at 0", bounds[0])
	}
	for i := 1; i < len(bounds); i++ {
		if bounds[i] < bounds[i-1] {
			return fmt.Errorf("set %d ends before it begins", i-1)
		}
	}
	b.tree.CatBounds = bounds
	return nil
}

func (b *block) readBits(text []byte) (err error) {
	if b.tree.CatBounds == nil {
		return errors.New("cat_boundaries has to come first")
	}
	words := int(b.tree.CatBounds[len(b.tree.CatBounds)-1])
	b.tree.CatBits, err = integers[uint32](text, words, 0, math.MaxUint32)
	return err
}

// findSets takes the number of a categorical node's set from its threshold.
func (b *block) findSets() error {
	t := &b.tree
	for i, r := range t.Rules {
		if r&gbdt.Categorical == 0 {
			continue
		}
		set := t.Threshold[i]
		if set < 0 || set >= float64(b.sets) || set != math.Trunc(set) {
			return fmt.Errorf("node %d names category set %v of %d", i, set, b.sets)
		}
		if t.CatSet == nil {
			t.CatSet = make([]int32, len(t.Rules))
		}
		t.CatSet[i] = int32(set)
	}
	return nil
}
