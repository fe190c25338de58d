package store

import (
	"encoding/binary"
	"fmt"
	"math"
)

// A pickle is read by a machine with the opcodes that torch.save writes for tensors in
// lists and dicts, and no others. It makes values of the types below, calls nothing,
// and imports nothing: a name is only ever compared with the few of pickleGlobals. Each
// byte of input makes at most a few words of memory.
type pickle struct {
	in    []byte
	at    int
	stack []any
	marks []int
	memo  map[uint32]any
}

// What the machine makes, beside int64, float64, bool, string and nil.
type (
	pickleGlobal string // module and name
	pickleTuple  []any
	pickleList   struct{ items []any }
	pickleDict   struct{ keys, values []any } // also of an OrderedDict
	pickleStore  struct{ kind, key string }   // the numbers of a tensor
	pickleTensor struct {
		storage       pickleStore
		offset        int64 // in numbers
		shape, stride []int64
	}
)

// pickleGlobals are the only names that a pickle may use.
var pickleGlobals = map[pickleGlobal]bool{
	"torch._utils _rebuild_tensor_v2": true, "torch._utils _rebuild_parameter": true, "collections OrderedDict": true,
	"torch DoubleStorage": true, "torch FloatStorage": true, "torch HalfStorage": true, "torch BFloat16Storage": true,
	"torch LongStorage": true, "torch IntStorage": true, "torch ShortStorage": true, "torch CharStorage": true,
	"torch ByteStorage": true, "torch BoolStorage": true,
}

// readPickle returns the value of a pickle.
func readPickle(in []byte) (value any, err error) {
	p := &pickle{in: in, memo: map[uint32]any{}}
	for {
		done, err := p.step()
		if err != nil {
			return nil, fmt.Errorf("byte %d of the pickle: %w", p.at, err)
		}
		if done {
			return p.pop()
		}
	}
}

func (p *pickle) push(v any) { p.stack = append(p.stack, v) }

// floor is how many values lie below the last mark.
func (p *pickle) floor() int {
	if len(p.marks) == 0 {
		return 0
	}
	return p.marks[len(p.marks)-1]
}

func (p *pickle) pop() (any, error) {
	if len(p.stack) <= p.floor() {
		return nil, fmt.Errorf("the stack is empty")
	}
	v := p.stack[len(p.stack)-1]
	p.stack = p.stack[:len(p.stack)-1]
	return v, nil
}

func (p *pickle) top() (any, error) {
	if len(p.stack) <= p.floor() {
		return nil, fmt.Errorf("the stack is empty")
	}
	return p.stack[len(p.stack)-1], nil
}

// sinceMark takes the values since the last mark.
func (p *pickle) sinceMark() ([]any, error) {
	if len(p.marks) == 0 {
		return nil, fmt.Errorf("there is no mark")
	}
	items := append([]any(nil), p.stack[p.floor():]...)
	p.stack = p.stack[:p.floor()]
	p.marks = p.marks[:len(p.marks)-1]
	return items, nil
}

// last takes n values in the order of their pushing.
func (p *pickle) last(n int) ([]any, error) {
	if len(p.stack)-p.floor() < n {
		return nil, fmt.Errorf("the stack is too short")
	}
	items := append([]any(nil), p.stack[len(p.stack)-n:]...)
	p.stack = p.stack[:len(p.stack)-n]
	return items, nil
}

func (p *pickle) take(n uint64) ([]byte, error) {
	if n > uint64(len(p.in)-p.at) {
		return nil, fmt.Errorf("it is cut short")
	}
	b := p.in[p.at : p.at+int(n)]
	p.at += int(n)
	return b, nil
}

// number reads an unsigned little-endian number of some bytes.
func (p *pickle) number(bytes int) (uint64, error) {
	b, err := p.take(uint64(bytes))
	if err != nil {
		return 0, err
	}
	var all [8]byte
	copy(all[:], b)
	return binary.LittleEndian.Uint64(all[:]), nil
}

// line reads to the end of a line.
func (p *pickle) line() (string, error) {
	for i, b := range p.in[p.at:] {
		if b == '\n' {
			text := string(p.in[p.at : p.at+i])
			p.at += i + 1
			return text, nil
		}
	}
	return "", fmt.Errorf("a line does not end")
}

// step runs one opcode, and reports whether it was the last.
func (p *pickle) step() (done bool, err error) {
	code, err := p.number(1)
	if err != nil {
		return false, err
	}
	switch op := byte(code); op {
	case '.':
		return true, nil
	case 0x80: // the number of the protocol
		_, err = p.take(1)
	case 0x95: // a frame
		_, err = p.take(8)
	case '(':
		p.marks = append(p.marks, len(p.stack))
	case 'N':
		p.push(nil)
	case 0x88, 0x89:
		p.push(op == 0x88)
	case 'K', 'M', 'J', 0x8a, 'G':
		err = p.pushNumber(op)
	case 'X', 0x8c, 0x8d:
		err = p.pushText(op)
	case ')', 't', 0x85, 0x86, 0x87:
		err = p.pushTuple(op)
	case ']':
		p.push(&pickleList{})
	case '}':
		p.push(&pickleDict{})
	case 'a', 'e', 's', 'u', 'b':
		err = p.fill(op)
	case 'q', 'r', 0x94, 'h', 'j':
		err = p.remember(op)
	case 'c', 0x93:
		err = p.global(op)
	case 'Q':
		err = p.persistent()
	case 'R':
		err = p.reduce()
	default:
		err = fmt.Errorf("opcode 0x%02x is none that tensors need", op)
	}
	return false, err
}

func (p *pickle) pushNumber(op byte) error {
	size := map[byte]int{'K': 1, 'M': 2, 'J': 4, 'G': 8, 0x8a: 1}[op]
	n, err := p.number(size)
	if err != nil {
		return err
	}
	switch op {
	case 'J':
		p.push(int64(int32(n)))
	case 'G': // big-endian
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], n)
		p.push(math.Float64frombits(binary.BigEndian.Uint64(b[:])))
	case 0x8a:
		if n > 8 {
			return fmt.Errorf("an integer of %d bytes", n)
		}
		b, err := p.take(n)
		if err != nil {
			return err
		}
		v := int64(0)
		if n > 0 {
			v = littleInts(b, int64(n))[0]
		}
		p.push(v)
	default:
		p.push(int64(n))
	}
	return nil
}

func (p *pickle) pushText(op byte) error {
	n, err := p.number(map[byte]int{'X': 4, 0x8c: 1, 0x8d: 8}[op])
	if err != nil {
		return err
	}
	b, err := p.take(n)
	p.push(string(b))
	return err
}

func (p *pickle) pushTuple(op byte) (err error) {
	var items []any
	switch op {
	case 't':
		items, err = p.sinceMark()
	case 0x85, 0x86, 0x87:
		items, err = p.last(int(op) - 0x84)
	}
	p.push(pickleTuple(items))
	return err
}

// fill puts values into the list or dict below them. What a build would set, the
// attributes of a dict, is dropped.
func (p *pickle) fill(op byte) (err error) {
	var items []any
	switch op {
	case 'a', 'b':
		items, err = p.last(1)
	case 's':
		items, err = p.last(2)
	default:
		items, err = p.sinceMark()
	}
	if err != nil {
		return err
	}
	into, err := p.top()
	if err != nil {
		return err
	}
	list, isList := into.(*pickleList)
	dict, isDict := into.(*pickleDict)
	switch {
	case (op == 'a' || op == 'e') && isList:
		list.items = append(list.items, items...)
	case (op == 's' || op == 'u') && isDict && len(items)%2 == 0:
		for i := 0; i < len(items); i += 2 {
			dict.keys, dict.values = append(dict.keys, items[i]), append(dict.values, items[i+1])
		}
	case op == 'b' && isDict:
	default:
		return fmt.Errorf("items for something that is no list or dict")
	}
	return nil
}

// remember writes the top of the stack to the memo, or pushes what is there.
func (p *pickle) remember(op byte) error {
	key := uint64(len(p.memo))
	if op != 0x94 {
		size := 1
		if op == 'r' || op == 'j' {
			size = 4
		}
		var err error
		if key, err = p.number(size); err != nil {
			return err
		}
	}
	if op == 'h' || op == 'j' {
		v, ok := p.memo[uint32(key)]
		if !ok {
			return fmt.Errorf("nothing was remembered as %d", key)
		}
		p.push(v)
		return nil
	}
	v, err := p.top()
	p.memo[uint32(key)] = v
	return err
}

// global pushes a name, if it is one that tensors need.
func (p *pickle) global(op byte) error {
	var module, name string
	if op == 'c' {
		var err error
		if module, err = p.line(); err != nil {
			return err
		}
		if name, err = p.line(); err != nil {
			return err
		}
	} else {
		both, err := p.last(2)
		if err != nil {
			return err
		}
		module, _ = both[0].(string)
		name, _ = both[1].(string)
	}
	g := pickleGlobal(module + " " + name)
	if !pickleGlobals[g] {
		return fmt.Errorf("it names %q of %q, which is no tensor; infl runs no pickles", name, module)
	}
	p.push(g)
	return nil
}
