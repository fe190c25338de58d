package app

import (
	"fmt"
	"slices"
)

// A method is a line of the method table: a name on the command line and what is
// behind it. Exactly one of tree, vectors and texts is set.
type method struct {
	name, needs, answers string

	tree    *treeMethod   // explains a tree model
	vectors *vectorMethod // multiplies files of vectors
	texts   bool          // compares columns of texts
}

// methods lists what exists, in the order of --list-methods.
var methods = slices.Concat(treeMethods, vectorMethods, textMethods)

// laterMethods are named in the contract and not built yet.
var laterMethods = []string{
	"leafrefit", "trex",
	"loo", "subsample", "shapley",
}

// MethodNames returns the names of the methods that exist.
func MethodNames() []string { return namesOf(methods) }

func namesOf(methods []method) []string {
	names := make([]string, len(methods))
	for i, m := range methods {
		names[i] = m.name
	}
	return names
}

// findMethod looks a method up by name.
func findMethod(name string) (method, error) {
	for _, m := range methods {
		if m.name == name {
			return m, nil
		}
	}
	for _, l := range laterMethods {
		if l == name {
			return method{}, fmt.Errorf("method %q is not built yet; available: %s", name, joinNames(MethodNames()))
		}
	}
	return method{}, fmt.Errorf("method %q is not known; %s (--list-methods shows all)", name, suggest(name, MethodNames()))
}

// ListMethods prints the method table.
func ListMethods(s Streams, o Output) error {
	t := &Table{Fields: []string{"method", "needs", "answers"}}
	for _, m := range methods {
		t.Add(m.name, m.needs, m.answers)
	}
	return o.Print(s, t)
}
