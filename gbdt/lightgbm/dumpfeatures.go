package lightgbm

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/infl-dev/infl/gbdt"
)

// useDumpNames makes n features from their names. The names are counted before
// anything is made from them.
func (p *parser) useDumpNames(n int) error {
	counted := 0
	if err := eachText(p.dump.names, func(string) { counted++ }); err != nil {
		return err
	}
	if counted != n {
		return fmt.Errorf("%d entries where max_feature_idx needs %d", counted, n)
	}
	p.infos = make([]featureInfo, n)
	p.splitCat = make([]bool, n)
	p.forest.Features = make([]gbdt.Feature, n)
	p.forest.Generated = n > 0
	i := 0
	return eachText(p.dump.names, func(name string) {
		p.forest.Features[i].Name = name
		p.forest.Generated = p.forest.Generated && isGenerated(name, i)
		i++
	})
}

// eachText calls use with every string of a list of strings.
func eachText(list []byte, use func(string)) error {
	d := inner(list)
	if err := d.open('['); err != nil {
		return err
	}
	for {
		more, err := d.more(']')
		if err != nil || !more {
			return err
		}
		text, err := d.text()
		if err != nil {
			return err
		}
		use(string(text))
	}
}

// useDumpInfos reads the object feature_infos, which has a member for every
// feature that was not constant in training.
func (p *parser) useDumpInfos() error {
	if p.dump.infos == nil {
		return nil
	}
	index := make(map[string]int, len(p.forest.Features))
	for i, f := range p.forest.Features {
		if _, twice := index[f.Name]; twice {
			return fmt.Errorf("two features have the name %q", abridged(f.Name))
		}
		index[f.Name] = i
	}
	d := inner(p.dump.infos)
	if err := d.open('{'); err != nil {
		return err
	}
	for {
		more, err := d.more('}')
		if err != nil || !more {
			return err
		}
		key, err := d.key()
		if err != nil {
			return err
		}
		i, ok := index[string(key)]
		if !ok {
			return fmt.Errorf("no feature has the name %q", abridged(string(key)))
		}
		if p.infos[i].kind != unusedInfo {
			return fmt.Errorf("feature %d appears twice", i)
		}
		if p.infos[i], err = dumpInfo(d); err != nil {
			return fmt.Errorf("feature %d: %w", i, err)
		}
	}
}

// dumpInfo reads the info of a feature: its list "values" has the category
// codes and is empty for a number.
func dumpInfo(d *document) (featureInfo, error) {
	info := featureInfo{kind: numericInfo}
	if err := d.open('{'); err != nil {
		return info, err
	}
	for {
		more, err := d.more('}')
		if err != nil || !more {
			return info, err
		}
		key, err := d.key()
		if err != nil {
			return info, err
		}
		if string(key) != "values" {
			if err := d.skip(); err != nil {
				return info, err
			}
			continue
		}
		if err := d.open('['); err != nil {
			return info, err
		}
		if err := info.readCodes(d); err != nil {
			return info, err
		}
	}
}

// readCodes reads the category codes up to the end of their list.
func (f *featureInfo) readCodes(d *document) error {
	for {
		more, err := d.more(']')
		if err != nil || !more {
			return err
		}
		code, err := d.integer(math.MinInt64, math.MaxInt64)
		if err != nil {
			return err
		}
		if f.kind != categoricalInfo {
			f.kind, f.maxCode = categoricalInfo, -1
		}
		f.entries++
		f.maxCode = max(f.maxCode, code)
	}
}

// learn takes from the set of a node what feature_infos would say at least.
func (f *featureInfo) learn(t *gbdt.Tree, node int) {
	set := t.CatSet[node]
	codes, words := 0, t.CatBits[t.CatBounds[set]:t.CatBounds[set+1]]
	for word, b := range words {
		for ; b != 0; b &= b - 1 {
			codes++
			f.maxCode = max(f.maxCode, int64(32*word+bits.TrailingZeros32(b)))
		}
	}
	f.kind, f.entries = categoricalInfo, max(f.entries, 1)
	if codes > 1 {
		f.entries = math.MaxInt32
	}
}
