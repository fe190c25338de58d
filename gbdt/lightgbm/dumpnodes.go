package lightgbm

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/infl-dev/infl/gbdt"
)

// maxDepth is the largest number of leaves that the library allows a tree, so
// no path is longer.
const maxDepth = 131072

// A dumpNode is a node of tree_structure; a leaf has only the fields of a leaf.
type dumpNode struct {
	seen            uint16 // bit i: nodeMembers[i] was there
	rule            gbdt.Rule
	decision        byte  // first byte of decision_type
	index           int32 // split_index or leaf_index
	feature         int32
	left, right     int32   // numbers of nodes in the reader
	codes, codesEnd int32   // of a categorical node, in the reader's codes
	threshold       float64 // of a numeric node
	value, weight   float64 // leaf_value or internal_value, leaf_weight
	count           int64
}

func (n *dumpNode) has(member int) bool { return n.seen&(1<<member) != 0 }

// Places in nodeMembers.
const (
	splitIndexMember = iota
	featureMember
	thresholdMember
	decisionMember
	defaultMember
	missingMember
	leftMember
	rightMember
	internalMember
	leafIndexMember
	leafValueMember
	leafWeightMember
	leafCountMember
	linearMember
)

// leafMembers are those that a leaf may have.
const leafMembers = 1<<leafIndexMember | 1<<leafValueMember | 1<<leafWeightMember | 1<<leafCountMember | 1<<linearMember

// nodeMembers read the values that are used. Children have none: they are nodes.
var nodeMembers = []struct {
	key  string
	read func(r *nodeReader, n *dumpNode) error
}{
	splitIndexMember: {"split_index", (*nodeReader).readIndex},
	featureMember: {"split_feature", func(r *nodeReader, n *dumpNode) error {
		v, err := r.integer(0, math.MaxInt32-1)
		n.feature = int32(v)
		return err
	}},
	thresholdMember: {"threshold", (*nodeReader).readThreshold},
	decisionMember: {"decision_type", func(r *nodeReader, n *dumpNode) error {
		text, err := r.text()
		if err == nil && string(text) != "<=" && string(text) != "==" {
			return notA("decision type that is known", text)
		}
		if err == nil {
			n.decision = text[0]
		}
		return err
	}},
	defaultMember: {"default_left", func(r *nodeReader, n *dumpNode) error {
		left, err := r.flag()
		if left {
			n.rule |= gbdt.DefaultLeft
		}
		return err
	}},
	missingMember: {"missing_type", (*nodeReader).readMissing},
	leftMember:    {"left_child", nil},
	rightMember:   {"right_child", nil},
	internalMember: {"internal_value", func(r *nodeReader, n *dumpNode) (err error) {
		n.value, err = r.number()
		return err
	}},
	leafIndexMember: {"leaf_index", (*nodeReader).readIndex},
	leafValueMember: {"leaf_value", func(r *nodeReader, n *dumpNode) (err error) {
		n.value, err = r.number()
		return err
	}},
	leafWeightMember: {"leaf_weight", func(r *nodeReader, n *dumpNode) (err error) {
		n.weight, err = r.number()
		return err
	}},
	leafCountMember: {"leaf_count", func(r *nodeReader, n *dumpNode) (err error) {
		n.count, err = r.integer(0, math.MaxInt64)
		return err
	}},
	linearMember: {"leaf_const", func(r *nodeReader, _ *dumpNode) error {
		r.linear = true
		return r.skip()
	}},
}

var nodeKeys = func() map[string]int {
	keys := make(map[string]int, len(nodeMembers))
	for i, m := range nodeMembers {
		keys[m.key] = i
	}
	return keys
}()

// A nodeReader holds the nodes of one tree, in order of their beginnings. It
// serves one tree after the other.
type nodeReader struct {
	*document
	nodes  []dumpNode
	codes  []int32 // category codes of all nodes
	path   []int32 // the nodes that have begun and not ended, from the root
	leaves int
	sets   int // categorical nodes
	linear bool
}

// read reads the nodes of a tree. Where it fails it returns the key of the
// value. A path is a list here and no recursion, since trees may be chains.
func (r *nodeReader) read() (key string, err error) {
	r.nodes, r.codes, r.path = r.nodes[:0], r.codes[:0], r.path[:0]
	r.leaves, r.sets, r.linear = 0, 0, false
	if err := r.begin(); err != nil {
		return "tree_structure", err
	}
	for len(r.path) > 0 {
		n := &r.nodes[r.path[len(r.path)-1]]
		more, err := r.more('}')
		if err == nil && !more {
			err = r.finish(n)
		}
		if err != nil {
			return "tree_structure", err
		}
		if !more {
			continue
		}
		key, err := r.key()
		if err != nil {
			return "tree_structure", err
		}
		if err := r.member(n, key); err != nil {
			return string(r.name), err
		}
	}
	return "", nil
}

// member reads the value of a key of n.
func (r *nodeReader) member(n *dumpNode, key []byte) error {
	i, ok := nodeKeys[string(key)]
	if !ok {
		return r.skip()
	}
	if n.has(i) {
		return errors.New("the key appears twice in the node")
	}
	n.seen |= 1 << i
	switch i {
	case leftMember:
		n.left = int32(len(r.nodes))
		return r.begin()
	case rightMember:
		n.right = int32(len(r.nodes))
		return r.begin()
	}
	return nodeMembers[i].read(r, n)
}

// begin opens a node below the last of the path.
func (r *nodeReader) begin() error {
	if len(r.path) == maxDepth {
		return fmt.Errorf("the tree is deeper than %d nodes", maxDepth)
	}
	if err := r.open('{'); err != nil {
		return err
	}
	r.path = append(r.path, int32(len(r.nodes)))
	if len(r.nodes) == cap(r.nodes) {
		r.nodes = slices.Grow(r.nodes, len(r.nodes)+1)
	}
	r.nodes = append(r.nodes, dumpNode{})
	return nil
}

// finish checks the last node of the path, whose members have all been read.
func (r *nodeReader) finish(n *dumpNode) error {
	r.path = r.path[:len(r.path)-1]
	if n.has(leafValueMember) && n.seen&^leafMembers == 0 {
		r.leaves++
		return nil
	}
	if n.seen&leafMembers != 0 {
		return errors.New("a node has fields of a leaf and not leaf_value alone, or fields of both a leaf and a split")
	}
	for i := range internalMember {
		if !n.has(i) {
			return fmt.Errorf("%s of a split is missing", nodeMembers[i].key)
		}
	}
	categorical := n.rule&gbdt.Categorical != 0
	if categorical != (n.decision == '=') {
		return fmt.Errorf("decision_type does not fit the threshold: categories go with %q, numbers with %q", "==", "<=")
	}
	if categorical {
		r.sets++
	}
	return nil
}

func (r *nodeReader) readIndex(n *dumpNode) error {
	v, err := r.integer(0, math.MaxInt32-1)
	n.index = int32(v)
	return err
}

// clipped is the magnitude to which a dump reduces thresholds.
const clipped = 1e300

// readThreshold reads a number, or the category codes "a||b||c". The library
// has two thresholds that a dump reduces to ±1e300, between finite values and
// an infinite one: +Inf and the lowest float64.
func (r *nodeReader) readThreshold(n *dumpNode) error {
	c, err := r.peek()
	if err != nil {
		return err
	}
	if c == '"' {
		return r.readCodes(n)
	}
	word, err := r.word()
	if err != nil {
		return err
	}
	switch string(word) {
	case "Infinity":
		n.threshold = math.Inf(1)
		return nil
	case "-Infinity":
		n.threshold = math.Inf(-1)
		return nil
	}
	n.threshold, err = parseFloat(word)
	switch n.threshold {
	case clipped:
		n.threshold = math.Inf(1)
	case -clipped:
		n.threshold = -math.MaxFloat64
	}
	return err
}

func (r *nodeReader) readCodes(n *dumpNode) error {
	text, err := r.text()
	if err != nil {
		return err
	}
	n.rule |= gbdt.Categorical
	n.codes = int32(len(r.codes))
	for more := len(text) > 0; more; {
		var token []byte
		token, text, more = bytes.Cut(text, []byte("||"))
		code, err := parseInt(token)
		if err != nil {
			return err
		}
		if code < 0 || code > math.MaxInt32 {
			return fmt.Errorf("category code %d is outside 0 … %d", code, math.MaxInt32)
		}
		r.codes = append(r.codes, int32(code))
	}
	n.codesEnd = int32(len(r.codes))
	return nil
}

func (r *nodeReader) readMissing(n *dumpNode) error {
	text, err := r.text()
	if err != nil {
		return err
	}
	switch string(text) {
	case "None":
	case "Zero":
		n.rule |= gbdt.ZeroMissing
	case "NaN":
		n.rule |= gbdt.NaNMissing
	default:
		return notA("missing type that is known", text)
	}
	return nil
}
