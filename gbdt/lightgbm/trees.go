package lightgbm

import (
	"bytes"
	"fmt"

	"github.com/infl-dev/infl/gbdt"
)

// readTrees reads from the first tree to the line after "end of trees".
func (p *parser) readTrees() error {
	var trees []*gbdt.Tree
	for bytes.HasPrefix(p.line, treePrefix) {
		tree, err := p.readTree(len(trees))
		if err != nil {
			return err
		}
		trees = append(trees, tree)
	}
	if p.ended {
		return p.failAt(0, "", `the file ends before "end of trees"; it is truncated`)
	}
	if len(trees) == 0 {
		return p.fail("", "the model has no trees")
	}
	if p.header.sizes >= 0 && p.header.sizes != len(trees) {
		return p.fail("", "the file has %d trees where tree_sizes in the header names %d", len(trees), p.header.sizes)
	}
	p.forest.Trees = make([]gbdt.Tree, len(trees))
	for i, t := range trees {
		p.forest.Trees[i] = *t
	}
	return p.advance()
}

// readTree reads tree number, from its line "Tree=" up to the next one or the end
// of the trees.
func (p *parser) readTree(number int) (*gbdt.Tree, error) {
	first := p.lines.number
	name := fmt.Sprintf("Tree=%d", number)
	index, err := parseInt(bytes.TrimPrefix(p.line, treePrefix))
	if err != nil {
		return nil, p.fail("Tree", "%v", err)
	}
	if index != int64(number) {
		return nil, p.fail(name, "trees are out of order: this is Tree=%d", index)
	}
	b := newBlock(len(p.forest.Features))
	for {
		if err := p.advance(); err != nil {
			return nil, err
		}
		if p.ended || bytes.HasPrefix(p.line, treePrefix) || bytes.Equal(p.line, endOfTrees) {
			break
		}
		if len(p.line) == 0 {
			continue
		}
		key, text, ok := cutKey(p.line)
		if !ok {
			return nil, p.fail(name, "%v; a tree has lines key=value", notA("line of a tree", p.line))
		}
		if err := b.read(key, text); err != nil {
			return nil, p.fail(string(key), "%v", err)
		}
	}
	if p.ended {
		return nil, p.failAt(0, name, `the file ends before "end of trees"; it is truncated`)
	}
	if err := b.finish(); err != nil {
		return nil, p.failAt(first, name, "%v", err)
	}
	p.linear = p.linear || b.linear
	for i, rule := range b.tree.Rules {
		if rule&gbdt.Categorical != 0 {
			p.splitCat[b.tree.Feature[i]] = true
		}
	}
	return &b.tree, nil
}
