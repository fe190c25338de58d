package app

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// Only what is kept can be continued.
func TestInterruptionsPromiseWhatIsKept(t *testing.T) {
	for want, err := range map[string]error{
		"infl: interrupted\n": fmt.Errorf("reading: %w", context.Canceled),
		"infl: interrupted; run the same command again to continue\n": fmt.Errorf("scoring: %w", &ResumableError{context.Canceled}),
	} {
		var talk bytes.Buffer
		c := Common{Streams: Streams{Err: &talk}}
		c.PrintError(err)
		require.Equal(t, want, talk.String())
		require.Equal(t, ExitInterrupted, ExitCode(err))
	}
}
