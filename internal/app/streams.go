package app

import (
	"io"
	"os"

	"golang.org/x/term"
)

// Streams are where a command writes: Out is data, Err is talk.
type Streams struct {
	Out, Err       io.Writer
	OutTTY, ErrTTY bool // the stream is a terminal
}

// SystemStreams returns the process's standard output and error.
func SystemStreams() Streams {
	return Streams{
		Out: os.Stdout, Err: os.Stderr,
		OutTTY: term.IsTerminal(int(os.Stdout.Fd())), ErrTTY: term.IsTerminal(int(os.Stderr.Fd())),
	}
}

// width returns the width of the terminal behind Out, or 100.
func (s Streams) width() int {
	if f, ok := s.Out.(*os.File); ok && s.OutTTY {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			return w
		}
	}
	return 100
}
