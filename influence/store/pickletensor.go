package store

import (
	"fmt"
	"strconv"
	"strings"
)

// persistent makes a storage of its description: ("storage", type, key, place, size).
func (p *pickle) persistent() error {
	v, err := p.pop()
	if err != nil {
		return err
	}
	t, _ := v.(pickleTuple)
	if len(t) != 5 || t[0] != "storage" {
		return fmt.Errorf("a persistent value that is no storage")
	}
	kind, ok := t[1].(pickleGlobal)
	key, okKey := t[2].(string)
	if !ok || !okKey {
		return fmt.Errorf("a storage without type or key")
	}
	p.push(pickleStore{string(kind), key})
	return nil
}

// reduce makes what a call of one of the known names would.
func (p *pickle) reduce() error {
	both, err := p.last(2)
	if err != nil {
		return err
	}
	name, _ := both[0].(pickleGlobal)
	args, ok := both[1].(pickleTuple)
	if !ok {
		return fmt.Errorf("a call without arguments")
	}
	switch name {
	case "collections OrderedDict":
		p.push(&pickleDict{})
		return nil
	case "torch._utils _rebuild_parameter":
		if len(args) > 0 {
			if t, ok := args[0].(*pickleTensor); ok {
				p.push(t)
				return nil
			}
		}
	case "torch._utils _rebuild_tensor_v2":
		if t := rebuildTensor(args); t != nil {
			p.push(t)
			return nil
		}
	}
	return fmt.Errorf("a call of %q that makes no tensor", string(name))
}

// rebuildTensor reads (storage, offset, shape, strides, …).
func rebuildTensor(args pickleTuple) *pickleTensor {
	if len(args) < 4 {
		return nil
	}
	storage, ok := args[0].(pickleStore)
	offset, okOffset := args[1].(int64)
	shape, okShape := pickleInts(args[2])
	stride, okStride := pickleInts(args[3])
	if !ok || !okOffset || !okShape || !okStride || len(shape) != len(stride) {
		return nil
	}
	return &pickleTensor{storage, offset, shape, stride}
}

func pickleInts(v any) (out []int64, ok bool) {
	t, ok := v.(pickleTuple)
	for _, x := range t {
		n, isInt := x.(int64)
		ok = ok && isInt
		out = append(out, n)
	}
	return out, ok
}

// A namedTensor is a tensor with the keys on the way to it.
type namedTensor struct {
	name string
	*pickleTensor
}

// title names the tensor in errors.
func (t *namedTensor) title() string {
	if t.name == "" {
		return "the tensor"
	}
	return fmt.Sprintf("tensor %q", t.name)
}

// maxPickled bounds how many values are looked at for tensors: one value may stand in
// many lists, and in itself.
const maxPickled = 1 << 20

// tensorsOf returns the tensors of a value: itself, or those in its lists and dicts.
func tensorsOf(v any) ([]namedTensor, error) {
	left := maxPickled
	out := collectTensors(nil, v, "", &left)
	if left < 0 {
		return nil, fmt.Errorf("has more than %d values", maxPickled)
	}
	return out, nil
}

// collectTensors appends the tensors of a value called name.
func collectTensors(out []namedTensor, v any, name string, left *int) []namedTensor {
	if *left--; *left < 0 {
		return out
	}
	inner := func(key, v any) {
		at := fmt.Sprint(key)
		if name != "" {
			at = name + "." + at
		}
		if strings.Count(at, ".") < 64 && *left >= 0 {
			out = collectTensors(out, v, at, left)
		}
	}
	switch v := v.(type) {
	case *pickleTensor:
		out = append(out, namedTensor{name, v})
	case *pickleList:
		for i, x := range v.items {
			inner(i, x)
		}
	case pickleTuple:
		for i, x := range v {
			inner(i, x)
		}
	case *pickleDict:
		for i, x := range v.values {
			inner(textOf(v.keys[i]), x)
		}
	}
	return out
}

// textOf writes a key; one that is neither text nor a number is no part of a name.
func textOf(key any) string {
	switch key := key.(type) {
	case string:
		return key
	case int64:
		return strconv.FormatInt(key, 10)
	}
	return "?"
}
