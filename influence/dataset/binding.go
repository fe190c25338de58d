package dataset

import (
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// A Binding says which columns of a table are which inputs, and how their
// values become numbers. A role without a column is the empty string.
type Binding struct {
	Features []Feature // in the model's order; may be empty

	// ByPosition matches features to the columns without a role, in order,
	// instead of by name; their numbers must agree.
	ByPosition bool

	Label       string // the target
	Key         string // the user's names of the rows; without it keys are 0…n−1
	Weight      string
	Group       string
	Base        string // base margin
	Predictions string // the library's own predictions

	// Classes are the label strings in order of their numbers. Nil: labels are
	// numbers, or strings that are numbered in sorted order.
	Classes []string

	// Extra are further columns that are delivered as text. They are no features
	// where those are matched by position.
	Extra []string
}

// A Feature is an input of a model. Names match columns exactly, or where
// blanks in the column's name stand as '_' in the feature's.
type Feature struct {
	Name string

	// Categorical says that the values are categories, which only makes a
	// difference to error messages where Categories is nil: then the values
	// must be the codes themselves.
	Categorical bool

	// Categories are the values in order of their codes: strings, float64s or
	// bools. Nil: the feature is a number.
	Categories []any
}

// Bind checks a binding against the table's columns and types. It reads no
// rows. The error names all missing columns with the nearest existing ones.
func (t *Table) Bind(b Binding) (*Bound, error) {
	bound := &Bound{table: t, binding: b, roles: make(map[role]int)}
	if err := bound.resolve(); err != nil {
		return nil, at(t.path, err)
	}
	return bound, nil
}

// A role is what a column other than a feature is for.
type role string

const (
	labelRole       role = "label"
	keyRole         role = "key"
	weightRole      role = "weight"
	groupRole       role = "group"
	baseRole        role = "base"
	predictionsRole role = "predictions"
)

func (b Binding) roles() []struct {
	role   role
	column string
} {
	return []struct {
		role   role
		column string
	}{{labelRole, b.Label}, {keyRole, b.Key}, {weightRole, b.Weight}, {groupRole, b.Group}, {baseRole, b.Base}, {predictionsRole, b.Predictions}}
}

// resolve finds the columns of the binding.
func (b *Bound) resolve() error {
	t := b.table
	names := namesOf(t.columns)
	used := make([]bool, len(names))
	for _, r := range b.binding.roles() {
		if r.column == "" {
			continue
		}
		i := t.column(r.column)
		if i < 0 {
			return problem("the %s column %q is not in the table", r.role, r.column).hint("%s", nearestHint(r.column, names))
		}
		if err := checkType(t.columns[i], r.role); err != nil {
			return err
		}
		b.roles[r.role], used[i] = i, true
	}
	for _, name := range b.binding.Extra {
		i := t.column(name)
		if i < 0 {
			return problem("the column %q is not in the table", name).hint("%s", nearestHint(name, names))
		}
		b.extra = append(b.extra, i)
		used[i] = used[i] || b.binding.ByPosition
	}
	var err error
	if b.binding.ByPosition {
		b.features, err = b.matchByPosition(names, used)
	} else {
		b.features, err = matchByName(b.binding.Features, names)
	}
	if err != nil {
		return err
	}
	for f, i := range b.features {
		used[i] = true
		if err := checkType(t.columns[i], ""); err != nil {
			return err
		}
		if err := b.addCategories(b.binding.Features[f]); err != nil {
			err.Column = names[i]
			return err
		}
	}
	for i, name := range names {
		if !used[i] {
			b.ignored = append(b.ignored, name)
		}
	}
	return nil
}

func (b *Bound) addCategories(f Feature) *Error {
	if f.Categories == nil {
		b.categories = append(b.categories, nil)
		return nil
	}
	c, err := newCategories(f.Categories)
	b.categories = append(b.categories, c)
	return err
}

func namesOf(columns []Column) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	return names
}

// matchByPosition takes the columns without a role in order.
func (b *Bound) matchByPosition(names []string, used []bool) ([]int, error) {
	var free []int
	for i := range names {
		if !used[i] {
			free = append(free, i)
		}
	}
	if want := len(b.binding.Features); len(free) != want {
		var list []string
		for _, i := range free {
			list = append(list, names[i])
		}
		return nil, problem("the model has %d features without names of their own, but %d columns have no role: %s", want, len(free), listNames(list)).
			hint("say which columns are the label, key or weight, and remove columns that are no features")
	}
	return free, nil
}

// matchByName finds each feature's column.
func matchByName(features []Feature, names []string) ([]int, error) {
	exact := make(map[string]int, len(names))
	loose := make(map[string][]int, len(names))
	for i, name := range names {
		exact[name] = i
		key := strings.ReplaceAll(name, " ", "_")
		loose[key] = append(loose[key], i)
	}
	out := make([]int, len(features))
	var missing, hints []string
	for f, feature := range features {
		if i, ok := exact[feature.Name]; ok {
			out[f] = i
			continue
		}
		found := loose[strings.ReplaceAll(feature.Name, " ", "_")]
		switch len(found) {
		case 1:
			out[f] = found[0]
		case 0:
			missing = append(missing, feature.Name)
			hints = append(hints, nearest(feature.Name, names, 1)...)
		default:
			return nil, problem("the feature %q matches both columns %q and %q", feature.Name, names[found[0]], names[found[1]]).hint("rename one of them")
		}
	}
	if len(missing) == 0 {
		return out, nil
	}
	slices.Sort(hints)
	hint := "the nearest existing: " + listNames(slices.Compact(hints))
	if len(hints) == 0 {
		hint = "the table has: " + listNames(names)
	}
	return nil, problem("%d of the model's features are missing from the table: %s", len(missing), strings.Join(quoteAll(missing), ", ")).hint("%s", hint)
}

// checkType refuses types that can never hold what a role needs; the role of a
// feature is "".
func checkType(c Column, r role) error {
	if c.arrow == nil || r == groupRole {
		return nil
	}
	if isTextType(c.arrow) || isIntegerType(c.arrow) || r != keyRole && isNumberType(c.arrow) {
		return nil
	}
	e := problem("the type %s cannot be a %s", c.Type, roleName(r)).hint("%s", typeHint(c.arrow, r))
	e.Column = c.Name
	return e
}

func roleName(r role) string {
	if r == "" {
		return "feature"
	}
	return string(r)
}

func typeHint(t arrow.DataType, r role) string {
	switch {
	case r == keyRole:
		return "keys are integers or text"
	case arrow.IsNested(t.ID()):
		return "write its parts as columns of their own"
	}
	return "convert it to a number first"
}
