package lightgbm

import "strings"

// finishCategories marks the categorical features and gives them their lists
// of category values.
//
// The k-th list belongs to the k-th categorical feature. The file does not say
// so: a list may also stand for an ordered category column, which is split like
// a number, and a column of codes is categorical without a list. So the lists are
// used only where their number is that of the categorical features and every
// code that training saw has a value. Otherwise no feature gets one.
func (p *parser) finishCategories() error {
	categorical := p.declared()
	if categorical == nil {
		categorical = p.evident()
	}
	features := p.forest.Features
	var indexes []int
	for i, is := range categorical {
		features[i].Categorical = is
		if is {
			indexes = append(indexes, i)
		}
	}
	if len(p.lists) != len(indexes) {
		return nil
	}
	for k, i := range indexes {
		if p.infos[i].maxCode >= int64(len(p.lists[k])) {
			return nil
		}
	}
	for k, i := range indexes {
		features[i].Categories = p.lists[k]
	}
	return nil
}

// evident marks the features whose infos or splits are categorical. A feature
// that was constant in training shows neither.
func (p *parser) evident() []bool {
	marks := make([]bool, len(p.infos))
	for i, info := range p.infos {
		marks[i] = info.kind == categoricalInfo || p.splitCat[i]
	}
	return marks
}

// declared marks the features that the parameter categorical_feature names, by
// index or as "name:a,b". It returns nil where there is no such parameter or it
// disagrees with the infos or splits, as it does when it belongs to another table.
func (p *parser) declared() []bool {
	list := p.settings.text("categorical_feature")
	if list == "" {
		return nil
	}
	marks := make([]bool, len(p.infos))
	names, byName := strings.CutPrefix(list, "name:")
	if byName {
		if !p.markNames(marks, names) {
			return nil
		}
	} else if !markIndexes(marks, list) {
		return nil
	}
	for i, evident := range p.evident() {
		if evident && !marks[i] || marks[i] && p.infos[i].kind == numericInfo {
			return nil
		}
	}
	return marks
}

func markIndexes(marks []bool, list string) bool {
	for rest, more := list, true; more; {
		var index string
		index, rest, more = strings.Cut(rest, ",")
		i, err := parseInt([]byte(strings.TrimSpace(index)))
		if err != nil || i < 0 || i >= int64(len(marks)) {
			return false
		}
		marks[i] = true
	}
	return true
}

func (p *parser) markNames(marks []bool, list string) bool {
	index := make(map[string]int, len(p.forest.Features))
	for i, f := range p.forest.Features {
		index[f.Name] = i
	}
	for rest, more := list, true; more; {
		var name string
		name, rest, more = strings.Cut(rest, ",")
		// The library writes blanks in the names of features as underscores.
		i, ok := index[strings.ReplaceAll(strings.TrimSpace(name), " ", "_")]
		if !ok {
			return false
		}
		marks[i] = true
	}
	return true
}
