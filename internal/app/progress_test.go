package app

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// heard runs two phases and draws once in the second.
func heard(c Common) string {
	var talk bytes.Buffer
	c.Streams = Streams{Err: &talk, ErrTTY: c.Streams.ErrTTY}
	p := c.progress(2)
	p.Phase("read", "rows", 100)
	p.Add(50)
	p.Phase("score", "pairs", 0)
	if p != nil {
		p.draw()
	}
	p.Close()
	return talk.String()
}

func TestProgressTalksInTheFormAskedFor(t *testing.T) {
	terminal := Streams{ErrTTY: true}
	for _, c := range []struct {
		common Common
		want   string // a regular expression
	}{
		{Common{}, `^\[2 of 2\] score\n$`},
		{Common{LogFormat: "json"}, `^{"level":"info","message":"\[2 of 2\] score"}\n$`},
		{Common{Streams: terminal}, `^\r\x1b\[K\[2 of 2\] score\r\x1b\[K$`},
		{Common{Streams: terminal, LogFormat: "json"}, `^{"level":"info","message":"\[2 of 2\] score"}\n$`},
		{Common{NoProgress: true}, `^$`},
		{Common{Quiet: true, Verbose: true}, `^$`},
		{Common{NoProgress: true, Verbose: true}, `^\[1 of 2\] read: \S+ s, 50 rows, \S+ rows/s\n\[2 of 2\] score\n\[2 of 2\] score: \S+ s\n$`},
		{Common{Verbose: true, LogFormat: "json"}, `^{"level":"info","message":"\[1 of 2\] read: \S+ s, 50 rows, \S+ rows/s"}\n`},
		{Common{Streams: terminal, Verbose: true}, `^\[1 of 2\] read: .*\n\r\x1b\[K\[2 of 2\] score\r\x1b\[K\[2 of 2\] score: \S+ s\n$`},
	} {
		require.Regexp(t, c.want, heard(c.common), "%+v", c.common)
	}
}
