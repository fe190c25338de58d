package report

import (
	"fmt"
	"strings"
	"unicode"
)

// maxText is the number of characters that are shown of a key, a label or a
// name.
const maxText = 160

// shorten cuts a text that is longer than maxText, with a count.
func shorten(s string) string {
	c := cutTo(s, maxText)
	if c.Cut == 0 {
		return s
	}
	return c.String()
}

// visible writes out what a reader could not see or what would turn the text
// around it: control characters, marks of writing direction, invalid UTF-8.
func visible(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if strings.IndexFunc(s, hides) < 0 {
		return s
	}
	var b strings.Builder
	for _, c := range s {
		if hides(c) {
			fmt.Fprintf(&b, `\u%04x`, c)
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

func hides(c rune) bool {
	return c != '\n' && c != '\t' && unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c)
}

// parts cuts a text as the page shows it after the marks at which a narrow cell
// may break it.
func parts(text string) []string {
	text = visible(shorten(text))
	var out []string
	from := 0
	for i := range len(text) {
		if (text[i] == '_' || text[i] == '/') && i > from+2 && i+2 < len(text) {
			out = append(out, text[from:i+1])
			from = i + 1
		}
	}
	return append(out, text[from:])
}
