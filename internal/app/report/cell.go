package report

import "unicode/utf8"

// MaxCell is the number of characters that are shown of a field.
const MaxCell = 120

// A Cell is a field of a row.
type Cell struct {
	Text    string `json:"text"`              // "" for a missing value
	Cut     int    `json:"cut,omitempty"`     // characters left out at the end
	Differs bool   `json:"differs,omitempty"` // from the query's field
}

// NewCell returns the cell of a text, cut to [MaxCell] characters.
func NewCell(text string) Cell { return cutTo(text, MaxCell) }

func cutTo(text string, most int) Cell {
	n := utf8.RuneCountInString(text)
	if n <= most {
		return Cell{Text: text}
	}
	at := 0
	for range most {
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	return Cell{Text: text[:at], Cut: n - most}
}

// String writes the text with the number of characters that are left out.
func (c Cell) String() string {
	switch {
	case c.Text == "":
		return "missing"
	case c.Cut > 0:
		return c.Text + "… +" + Count(int64(c.Cut)) + " characters"
	}
	return c.Text
}
