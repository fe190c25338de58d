package retrain

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// command runs the test binary as a trainer of 5 rows and 3 queries.
func command(t *testing.T, mode string) *Command {
	return &Command{Arguments: []string{os.Args[0], "program", mode}, Rows: 5, Queries: 3, Tmp: t.TempDir()}
}

func TestCommand(t *testing.T) {
	c := command(t, "works")
	change := Change{Removed: []int64{1, 4}, Relabelled: []int64{0, 2}, Labels: []float64{0.5, 7}, Seed: 1 << 40}
	a, err := c.Fit(t.Context(), change)
	require.NoError(t, err)
	require.Equal(t, Answer{Losses: []float64{1 << 40, -5, 7.5}, Classes: []int64{1, 0, -1}}, a)
	a, err = c.Fit(t.Context(), Change{})
	require.NoError(t, err)
	require.Equal(t, []float64{0, -10, 0}, a.Losses, "the whole table")
	a, err = command(t, "noclasses").Fit(t.Context(), Change{})
	require.NoError(t, err)
	require.Nil(t, a.Classes)
	left, err := os.ReadDir(c.Tmp)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestCommandFailures(t *testing.T) {
	for mode, want := range map[string]string{
		"fails":  "exit status 3: loading; the table; no such column",
		"silent": "ended without writing losses.npy",
		"short":  "losses of 2 queries; there are scores of 3",
		"half":   "has the class 0.5 for query 1",
	} {
		c := command(t, mode)
		_, err := c.Fit(t.Context(), Change{})
		require.ErrorContains(t, err, want)
		left, err := os.ReadDir(c.Tmp)
		require.NoError(t, err)
		require.Empty(t, left, "%s leaves its folder", mode)
	}
	c := command(t, "works")
	for _, bad := range []Change{{Removed: []int64{5}}, {Removed: []int64{1, 1}}, {Removed: []int64{0, 1, 2, 3, 4}}, {Relabelled: []int64{1}}} {
		_, err := c.Fit(t.Context(), bad)
		require.Error(t, err, "%v", bad)
	}
	_, err := (&Command{Arguments: []string{"infl-no-such-program"}, Rows: 5, Tmp: t.TempDir()}).Fit(t.Context(), Change{})
	require.ErrorContains(t, err, "infl-no-such-program")
	_, err = (&Command{}).Fit(t.Context(), Change{})
	require.Error(t, err)
}

func TestCommandEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := command(t, "hangs").Fit(ctx, Change{})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(began), 20*time.Second)
}

func TestParseCommand(t *testing.T) {
	for line, want := range map[string][]string{
		"python train.py":                    {"python", "train.py"},
		"  a\t b ":                           {"a", "b"},
		`"C:\My Files\t.exe" --x='a "b"' ''`: {`C:\My Files\t.exe`, `--x=a "b"`, ""},
	} {
		got, err := ParseCommand(line)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, line := range []string{"", "  ", `a "b`} {
		_, err := ParseCommand(line)
		require.Error(t, err)
	}
}
