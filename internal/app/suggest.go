package app

import (
	"fmt"
	"slices"
	"strings"
)

// suggest lists what a misspelt word may have meant: the nearest known ones,
// or all where none is near.
func suggest(word string, known []string) string {
	near := nearest(word, known)
	if len(near) == 0 {
		return "it must be one of " + strings.Join(known, ", ")
	}
	return "did you mean " + strings.Join(near, ", ") + "?"
}

// nearest returns up to three known words within a third of the word's length
// of it, the closest first.
func nearest(word string, known []string) []string {
	type hit struct {
		word string
		dist int
	}
	var hits []hit
	for _, k := range known {
		d := editDistance(strings.ToLower(word), strings.ToLower(k))
		if strings.HasPrefix(k, word) && word != "" {
			d = min(d, 1)
		}
		if d <= max(1, max(len(word), len(k))/3) {
			hits = append(hits, hit{k, d})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return a.dist - b.dist })
	var out []string
	for _, h := range hits[:min(3, len(hits))] {
		out = append(out, h.word)
	}
	return out
}

// editDistance counts insertions, deletions and replacements of bytes, and
// swaps of two neighbours.
func editDistance(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := range len(a) {
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			d[i+1][j+1] = min(d[i][j+1]+1, d[i+1][j]+1, d[i][j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				d[i+1][j+1] = min(d[i+1][j+1], d[i-1][j-1]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}

// UnknownWord returns the error for a word that is none of the known ones.
func UnknownWord(kind, word string, known []string) error {
	return fmt.Errorf("unknown %s %q; %s", kind, word, suggest(word, known))
}

// laterFlags are named in the contract and not built yet.
var laterFlags = []string{
	"--relabel", "--export-direction", "--factors",
	"--prepared", "--trainer",
}

// UnknownFlag returns the error for a flag that a command does not have.
func UnknownFlag(flag, command string, known []string) error {
	for _, l := range laterFlags {
		if l == flag {
			return fmt.Errorf("%s is not built yet", flag)
		}
	}
	near := nearest(flag, known)
	if len(near) == 0 {
		return fmt.Errorf("unknown flag %s; infl %s --help lists the flags", flag, command)
	}
	return fmt.Errorf("unknown flag %s; did you mean %s?", flag, strings.Join(near, ", "))
}
