package lightgbm

import (
	"bytes"
	"math"
	"strings"

	"github.com/infl-dev/infl/gbdt"
)

// A header holds the lines before the first tree as they are written.
type header struct {
	values  map[string]value
	sizes   int  // entries of tree_sizes; −1 where it is absent
	average bool // the line average_output, which random forests have
}

// A value is a text and its place: the line of a text, the byte of a dump.
type value struct {
	text string
	at   int // 0 where it is nowhere
}

// headerKeys are the keys whose values are kept; the others are skipped.
var headerKeys = map[string]bool{
	"version": true, "num_class": true, "num_tree_per_iteration": true, "max_feature_idx": true,
	"objective": true, "feature_names": true, "feature_infos": true, "monotone_constraints": true,
}

// readHeader reads up to the first tree or the end of the trees.
func (p *parser) readHeader() error {
	h := &p.header
	h.values, h.sizes = map[string]value{}, -1
	for !p.ended && !bytes.HasPrefix(p.line, treePrefix) && !bytes.Equal(p.line, endOfTrees) {
		key, text, ok := cutKey(p.line)
		switch {
		case len(p.line) == 0:
		case string(p.line) == "average_output":
			h.average = true
		case !ok:
			return p.fail("", "%v; the header has lines key=value", notA("line of a header", p.line))
		case string(key) == "tree_sizes":
			h.sizes = countFields(text)
		case headerKeys[string(key)]:
			if _, twice := h.values[string(key)]; twice {
				return p.fail(string(key), "the key appears twice")
			}
			h.values[string(key)] = value{string(text), p.lines.number}
		}
		if err := p.advance(); err != nil {
			return err
		}
	}
	features, err := p.useHeader()
	if err != nil {
		return err
	}
	return p.useFeatures(features)
}

// useHeader fills the forest with what does not depend on the parameters, and
// returns the number of features.
func (p *parser) useHeader() (features int, err error) {
	f := p.forest
	version := p.header.values["version"]
	switch version.text {
	case "v2", "v3", "v4":
		f.Version = version.text
	default:
		return 0, p.failAt(version.at, "version", "%q is not known; v2, v3 and v4 are", abridged(version.text))
	}
	outputs, err := p.headerInt("num_tree_per_iteration", 1, math.MaxInt32)
	if err != nil {
		return 0, err
	}
	f.K = int(outputs)
	last, err := p.headerInt("max_feature_idx", -1, math.MaxInt32-1)
	return int(last) + 1, err
}

// useFeatures reads the names and infos of n features. Both lists are counted
// before anything is made from them.
func (p *parser) useFeatures(n int) error {
	names, infos := p.header.values["feature_names"], p.header.values["feature_infos"]
	for _, list := range []struct {
		key string
		value
	}{{"feature_names", names}, {"feature_infos", infos}} {
		if list.at == 0 {
			return p.failAt(0, list.key, "the line is missing")
		}
		if got := countFields([]byte(list.text)); got != n {
			return p.failAt(list.at, list.key, "%d entries where max_feature_idx needs %d", got, n)
		}
	}
	p.infos = make([]featureInfo, n)
	p.splitCat = make([]bool, n)
	p.forest.Features = make([]gbdt.Feature, n)
	p.forest.Generated = n > 0
	name, info := "", ""
	for i := range n {
		name, names.text = cutWord(names.text)
		info, infos.text = cutWord(infos.text)
		p.forest.Features[i].Name = name
		p.forest.Generated = p.forest.Generated && isGenerated(name, i)
		var err error
		if p.infos[i], err = parseInfo(info); err != nil {
			return p.failAt(infos.at, "feature_infos", "feature %d: %v", i, err)
		}
	}
	return nil
}

// headerInt returns the integer of a key that must be there.
func (p *parser) headerInt(key string, lo, hi int64) (int64, error) {
	v, ok := p.header.values[key]
	if !ok {
		return 0, p.failAt(0, key, "the line is missing")
	}
	numbers, err := integers[int64]([]byte(v.text), 1, lo, hi)
	if err != nil {
		return 0, p.failAt(v.at, key, "%v", err)
	}
	return numbers[0], nil
}

// cutWord is cutField for strings.
func cutWord(s string) (word, rest string) {
	word, rest, _ = strings.Cut(strings.TrimLeft(s, " "), " ")
	return word, rest
}

// abridged shortens a text for a message.
func abridged(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}
