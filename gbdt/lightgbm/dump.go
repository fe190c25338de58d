package lightgbm

import (
	"errors"
	"fmt"

	"github.com/infl-dev/infl/gbdt"
)

// A dump holds what is known of a JSON dump so far. Its keys may come in any
// order, as tools sort them, so what depends on another key waits for the end.
type dump struct {
	*document
	seen  map[string]bool
	names []byte // the list feature_names
	infos []byte // the object feature_infos; nil where the dump has none
	trees []*gbdt.Tree
	words int // of the category sets of all trees
}

// dumpMembers read the values that are used; other keys are skipped.
var dumpMembers = map[string]func(p *parser, key string) error{
	"name":                   (*parser).readName,
	"version":                (*parser).keepText,
	"objective":              (*parser).keepText,
	"num_class":              (*parser).keepWord,
	"num_tree_per_iteration": (*parser).keepWord,
	"max_feature_idx":        (*parser).keepWord,
	"average_output": func(p *parser, _ string) (err error) {
		p.header.average, err = p.dump.flag()
		return err
	},
	"feature_names": func(p *parser, _ string) (err error) {
		p.dump.names, err = p.dump.raw()
		return err
	},
	"feature_infos": func(p *parser, _ string) error {
		infos, err := p.dump.raw()
		if !isNull(infos) {
			p.dump.infos = infos
		}
		return err
	},
	"monotone_constraints": (*parser).keepConstraints,
	"pandas_categorical": func(p *parser, _ string) error {
		text, err := p.dump.raw()
		if err != nil {
			return err
		}
		p.lists, err = categoryLists(text)
		return err
	},
	"tree_info": func(p *parser, _ string) error { return p.readDumpTrees() },
}

// readDump reads the JSON that dump_model returns.
func (p *parser) readDump() error {
	p.header.values = map[string]value{}
	p.dump = &dump{document: newDocument(p.lines.r), seen: map[string]bool{}}
	d := p.dump
	if err := d.open('{'); err != nil {
		return p.misread("", err)
	}
	for {
		more, err := d.more('}')
		if err != nil {
			return p.misread("", err)
		}
		if !more {
			break
		}
		key, err := d.key()
		if err != nil {
			return p.misread("", err)
		}
		if err := p.readMember(string(key)); err != nil {
			return p.misread(abridged(string(key)), err)
		}
	}
	if err := d.end(); err != nil {
		return p.misread("", err)
	}
	return p.useDump()
}

func (p *parser) readMember(key string) error {
	read, known := dumpMembers[key]
	if !known {
		return p.dump.skip()
	}
	if p.dump.seen[key] {
		return errors.New("the key appears twice")
	}
	p.dump.seen[key] = true
	return read(p, key)
}

// misread is an error at the token at hand, unless it has a place already.
func (p *parser) misread(key string, err error) error {
	if located := (*ParseError)(nil); errors.As(err, &located) {
		return err
	}
	return &ParseError{File: p.name, Offset: p.dump.start, Key: key, Problem: err.Error(), cause: p.dump.broken}
}

func (p *parser) readName(string) error {
	name, err := p.dump.text()
	if err == nil && string(name) != "tree" {
		return fmt.Errorf(`it is %q where a LightGBM dump has "tree"`, abridged(string(name)))
	}
	return err
}

// keepText keeps a string, or the absence that null stands for.
func (p *parser) keepText(key string) error {
	c, err := p.dump.peek()
	if err != nil {
		return err
	}
	if c == 'n' {
		return p.dump.skip()
	}
	text, err := p.dump.text()
	if err != nil {
		return err
	}
	p.header.values[key] = value{string(text), int(p.dump.start)}
	return nil
}

func (p *parser) keepWord(key string) error {
	word, err := p.dump.word()
	if err != nil {
		return err
	}
	p.header.values[key] = value{string(word), int(p.dump.start)}
	return nil
}

// keepConstraints keeps the list as a text model writes it: without brackets.
func (p *parser) keepConstraints(key string) error {
	at := p.dump.start
	text, err := p.dump.raw()
	if err != nil || isNull(text) {
		return err
	}
	if len(text) < 2 || text[0] != '[' {
		return errors.New("the value is not a list")
	}
	p.header.values[key] = value{string(text[1 : len(text)-1]), int(at)}
	return nil
}

// useDump fills the forest once the whole dump is known.
func (p *parser) useDump() error {
	for _, key := range []string{"name", "version", "num_class", "num_tree_per_iteration", "max_feature_idx", "feature_names", "tree_info"} {
		if !p.dump.seen[key] {
			return p.failAt(0, key, "the dump does not have this key")
		}
	}
	features, err := p.useHeader()
	if err != nil {
		return err
	}
	if len(p.dump.trees) == 0 {
		return p.failAt(0, "tree_info", "the model has no trees")
	}
	p.forest.Trees = make([]gbdt.Tree, len(p.dump.trees))
	for i, t := range p.dump.trees {
		p.forest.Trees[i] = *t
	}
	if err := p.useDumpNames(features); err != nil {
		return p.failAt(0, "feature_names", "%v", err)
	}
	if err := p.useDumpInfos(); err != nil {
		return p.failAt(0, "feature_infos", "%v", err)
	}
	return p.markSplits()
}

// markSplits marks the features that some tree splits by category. Where the
// dump has no feature_infos, as older libraries write it, the sets tell what
// they can: a split of one category against the rest sends one code left, so a
// feature with a larger set has many-against-many splits. A feature whose
// sets have one code each leaves open which L2 its leaves were made with.
func (p *parser) markSplits() error {
	ambiguous := false
	for i := range p.forest.Trees {
		t := &p.forest.Trees[i]
		for node, rule := range t.Rules {
			feature := int(t.Feature[node])
			if feature >= len(p.infos) {
				return p.failAt(0, fmt.Sprintf("tree_info[%d]", i), "node %d tests feature %d of %d", node, feature, len(p.infos))
			}
			if rule&gbdt.Categorical == 0 {
				continue
			}
			p.splitCat[feature] = true
			if p.dump.infos == nil {
				p.infos[feature].learn(t, node)
			}
		}
	}
	for i, info := range p.infos {
		ambiguous = ambiguous || p.dump.infos == nil && p.splitCat[i] && info.entries == 1
	}
	if ambiguous {
		p.forest.Train.Lost = append(p.forest.Train.Lost, "feature_infos")
	}
	return nil
}

func isNull(text []byte) bool { return len(text) > 0 && text[0] == 'n' }
