package lightgbm

import (
	"errors"
	"fmt"
	"math"

	"github.com/infl-dev/infl/gbdt"
)

// readDumpTrees reads the list tree_info.
func (p *parser) readDumpTrees() error {
	if err := p.dump.open('['); err != nil {
		return err
	}
	nodes := &nodeReader{document: p.dump.document}
	for number := 0; ; number++ {
		more, err := p.dump.more(']')
		if err != nil || !more {
			return err
		}
		tree, err := p.readDumpTree(number, nodes)
		if err != nil {
			return err
		}
		p.dump.trees = append(p.dump.trees, tree)
	}
}

// readDumpTree reads an entry of tree_info.
func (p *parser) readDumpTree(number int, nodes *nodeReader) (*gbdt.Tree, error) {
	d := p.dump
	path := fmt.Sprintf("tree_info[%d]", number)
	if err := d.open('{'); err != nil {
		return nil, p.misread(path, err)
	}
	first := d.start
	shrinkage, leaves, sets, found := 1.0, int64(-1), int64(-1), false
	for {
		more, err := d.more('}')
		if err != nil {
			return nil, p.misread(path, err)
		}
		if !more {
			break
		}
		key, err := d.key()
		if err != nil {
			return nil, p.misread(path, err)
		}
		name := string(key)
		switch name {
		case "tree_index":
			err = d.treeIndex(number)
		case "num_leaves":
			leaves, err = d.integer(1, math.MaxInt32)
		case "num_cat":
			sets, err = d.integer(0, math.MaxInt32)
		case "shrinkage":
			shrinkage, err = d.number()
		case "tree_structure":
			if found {
				err = errors.New("the key appears twice in the tree")
				break
			}
			found = true
			name, err = nodes.read()
		default:
			err = d.skip()
		}
		if err != nil {
			return nil, p.misread(path+"."+abridged(name), err)
		}
	}
	tree, err := p.dump.build(nodes, found, leaves, sets)
	if err != nil {
		return nil, p.failAt(int(first), path, "%v", err)
	}
	tree.Shrinkage = shrinkage
	p.linear = p.linear || nodes.linear
	return tree, nil
}

func (d *dump) treeIndex(number int) error {
	index, err := d.integer(0, math.MaxInt32)
	if err == nil && index != int64(number) {
		return fmt.Errorf("it is %d where %d is due; dump all trees, from iteration 0", index, number)
	}
	return err
}

// maxSetWords bounds the category sets of a model to 64 MB. A dump names the
// codes of a set and not its bits, so that a large code takes much memory for
// little text.
const maxSetWords = 16 << 20

// build makes a tree of the nodes that were read; what the dump claims of the
// numbers of leaves and sets is −1 where it claims nothing.
func (d *dump) build(nodes *nodeReader, found bool, leaves, sets int64) (*gbdt.Tree, error) {
	if !found {
		return nil, errors.New("tree_structure is missing")
	}
	if leaves >= 0 && leaves != int64(nodes.leaves) {
		return nil, fmt.Errorf("%d leaves where num_leaves says %d", nodes.leaves, leaves)
	}
	if sets >= 0 && sets != int64(nodes.sets) {
		return nil, fmt.Errorf("%d categorical nodes where num_cat says %d", nodes.sets, sets)
	}
	tree, err := nodes.tree()
	if err != nil {
		return nil, err
	}
	if nodes.sets > 0 {
		if err := d.addSets(tree, nodes); err != nil {
			return nil, err
		}
	}
	return tree, nil
}

// addSets makes the category sets, in order of their nodes, as the library
// numbers them.
func (d *dump) addSets(t *gbdt.Tree, nodes *nodeReader) error {
	order := make([]*dumpNode, len(t.Rules))
	for i := range nodes.nodes {
		if n := &nodes.nodes[i]; n.has(thresholdMember) && n.rule&gbdt.Categorical != 0 {
			order[n.index] = n
		}
	}
	t.CatSet = make([]int32, len(t.Rules))
	t.CatBounds = append(make([]int32, 0, nodes.sets+1), 0)
	words := 0
	for node, n := range order {
		if n == nil {
			continue
		}
		largest := int32(-1)
		for _, code := range nodes.codes[n.codes:n.codesEnd] {
			largest = max(largest, code)
		}
		words += int(largest>>5) + 1
		if d.words+words > maxSetWords {
			return fmt.Errorf("category codes up to %d make sets of more than 64 MB; renumber the categories or save the model as text", largest)
		}
		set := len(t.CatBounds) - 1
		t.CatSet[node], t.Threshold[node] = int32(set), float64(set)
		t.CatBounds = append(t.CatBounds, int32(words))
	}
	d.words += words
	// The size is known by now, so that large sets are made once.
	t.CatBits = make([]uint32, words)
	for node, n := range order {
		if n == nil {
			continue
		}
		bits := t.CatBits[t.CatBounds[t.CatSet[node]]:]
		for _, code := range nodes.codes[n.codes:n.codesEnd] {
			bits[code>>5] |= 1 << (code & 31)
		}
	}
	return nil
}
