package dataset

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// nearest returns up to most of the names that differ little from name, the
// nearest first.
func nearest(name string, names []string, most int) []string {
	type candidate struct {
		name     string
		distance int
	}
	var found []candidate
	limit := max(2, len(name)/3)
	for _, n := range names {
		if len(n) > 200 || len(name) > 200 {
			continue
		}
		if d := editDistance(strings.ToLower(name), strings.ToLower(n)); d <= limit && d < max(len(n), len(name)) {
			found = append(found, candidate{n, d})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return a.distance - b.distance })
	var out []string
	for _, c := range found[:min(most, len(found))] {
		out = append(out, c.name)
	}
	return out
}

// editDistance counts the insertions, deletions and replacements of bytes that
// turn a into b.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// nearestHint names what was perhaps meant, or everything there is.
func nearestHint(name string, names []string) string {
	if close := nearest(name, names, 3); len(close) > 0 {
		return "nearest: " + strings.Join(quoteAll(close), ", ")
	}
	return "there are: " + listNames(names)
}

// listNames lists names in quotes and shortens a long list.
func listNames(names []string) string {
	const most = 12
	if len(names) == 0 {
		return "none"
	}
	list := strings.Join(quoteAll(names[:min(most, len(names))]), ", ")
	if more := len(names) - most; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return list
}

func quoteAll(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = strconv.Quote(n)
	}
	return out
}
