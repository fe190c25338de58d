package ekfac

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/internal/kernel"
)

// TestSpilledSums: whichever levels wait in a file, sums have the same bits, and so has
// what the last half has changed; given subtrees among them.
func TestSpilledSums(t *testing.T) {
	const rows, cols = 300, 301 // More numbers than are read from the file at a time.
	for _, groups := range []int64{1, 2, 3, 4, 5, 13, 32} {
		sum := func(level int, given bool) (kernel.Matrix[float64], string) {
			r := rand.New(rand.NewPCG(uint64(groups), 1))
			p := newPairwise(2, rows, cols, groups)
			if level >= 0 {
				require.NoError(t, p.spill(level, t.TempDir()))
			}
			for group := range groups {
				x := normalMatrix(r, rows, cols)
				if given && group == 6 {
					p.give(node{0, group}, x)
					continue
				}
				p.add(group, func(into kernel.Matrix[float64]) { addNumbers(1, into.Data, x.Data) })
			}
			total, change, err := p.root(groups, p.first())
			require.NoError(t, err)
			require.NoError(t, p.close())
			return total, fmt.Sprint(change)
		}
		for _, given := range []bool{false, true} {
			want, wantChange := sum(-1, given)
			for level := range 7 {
				got, change := sum(level, given)
				require.True(t, slices.Equal(want.Data, got.Data), "%d groups, from level %d on in a file", groups, level)
				require.Equal(t, wantChange, change)
			}
		}
	}
}

// TestScratchThatFails: an error of the file is that of the sum.
func TestScratchThatFails(t *testing.T) {
	p := newPairwise(1, 2, 2, 3)
	require.Error(t, p.spill(0, t.TempDir()+"/none"))
	p = newPairwise(1, 2, 2, 3)
	require.NoError(t, p.spill(0, t.TempDir()))
	require.NoError(t, p.scratch.file.Close())
	for group := range int64(3) {
		p.add(group, func(kernel.Matrix[float64]) {})
	}
	_, _, err := p.root(3, 2)
	require.ErrorContains(t, err, "scratch file of sums")
}
