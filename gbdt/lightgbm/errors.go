package lightgbm

import (
	"strconv"
	"strings"
)

// A ParseError says where and why a model file cannot be read.
type ParseError struct {
	File    string // as given to Parse or Open
	Line    int    // of a text, counted from 1; 0 where the problem is not in one line
	Offset  int64  // of a JSON dump: byte where the value begins, counted from 1; 0 where the problem is not in one place
	Key     string // key of the line, number of the tree ("Tree=3") or path in the dump ("tree_info[3].shrinkage"); may be empty
	Problem string // what is wrong and, where there is one, what to do

	cause error // of the reader; nil where the text is wrong
}

// Unwrap returns the error of the reader that ended the parse, or nil.
func (e *ParseError) Unwrap() error { return e.cause }

// Error returns "file:line: key: problem" in one line, or "file: byte offset:
// key: problem".
func (e *ParseError) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		b.WriteString(":" + strconv.Itoa(e.Line))
	}
	if e.Offset > 0 {
		b.WriteString(": byte " + strconv.FormatInt(e.Offset, 10))
	}
	if e.Key != "" {
		b.WriteString(": " + e.Key)
	}
	b.WriteString(": " + e.Problem)
	return b.String()
}
