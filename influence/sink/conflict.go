package sink

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// A Difference is a value that is not the same in a stored run and now.
type Difference struct {
	Key    string // dotted path in run.json, such as configuration.top
	Stored string // as JSON; empty where there is none
	Now    string
}

// A ConflictError says that a run folder belongs to a run of another
// configuration or of other inputs.
type ConflictError struct {
	Path        string
	Differences []Difference // sorted by key
}

func (e *ConflictError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s belongs to another run:", e.Path)
	for i, d := range e.Differences {
		if i > 0 {
			b.WriteByte(';')
		}
		fmt.Fprintf(&b, " %s was %s, now %s", d.Key, orNone(d.Stored), orNone(d.Now))
	}
	b.WriteString("; choose another --out, or --fresh to start again")
	return b.String()
}

func orNone(s string) string {
	if s == "" {
		return "absent"
	}
	return s
}

// differences compares two plain values below the dotted path key.
func differences(key string, stored, now any) []Difference {
	a, aMap := stored.(map[string]any)
	b, bMap := now.(map[string]any)
	if !aMap || !bMap {
		if reflect.DeepEqual(stored, now) {
			return nil
		}
		return []Difference{{key, text(stored), text(now)}}
	}
	names := maps.Clone(a)
	maps.Copy(names, b)
	var out []Difference
	for _, name := range slices.Sorted(maps.Keys(names)) {
		before, inA := a[name]
		after, inB := b[name]
		path := key + "." + name
		switch {
		case !inA:
			out = append(out, Difference{path, "", text(after)})
		case !inB:
			out = append(out, Difference{path, text(before), ""})
		default:
			out = append(out, differences(path, before, after)...)
		}
	}
	return out
}

// text returns a plain value as JSON.
func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// inputDifferences compares fingerprints. Inputs become known one by one, so
// only those that both sides name are compared.
func inputDifferences(stored, now any) []Difference {
	a, aMap := stored.(map[string]any)
	b, bMap := now.(map[string]any)
	if !aMap || !bMap {
		if stored == nil || now == nil {
			return nil
		}
		return differences("inputs", stored, now)
	}
	a, b = maps.Clone(a), maps.Clone(b)
	maps.DeleteFunc(a, func(name string, _ any) bool { _, ok := b[name]; return !ok })
	maps.DeleteFunc(b, func(name string, _ any) bool { _, ok := a[name]; return !ok })
	return differences("inputs", a, b)
}

// mergeInputs returns the stored inputs with those that are known now.
func mergeInputs(stored, now any) any {
	a, aMap := stored.(map[string]any)
	b, bMap := now.(map[string]any)
	if now == nil {
		return stored
	}
	if !aMap || !bMap {
		return now
	}
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}
