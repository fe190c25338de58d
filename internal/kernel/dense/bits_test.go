package dense

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/internal/kernel"
)

// childVariable asks this test for a digest alone.
const childVariable = "INFL_TEST_DIGEST"

// digest runs everything with some workers and digests the bits of the results.
// The sizes are such that work is split in every place where it can be.
func digest(t *testing.T, workers int) string {
	rng := rand.New(rand.NewPCG(11, 12))
	sum := sha256.New()
	add := func(x []float64) { require.NoError(t, binary.Write(sum, binary.LittleEndian, x)) }

	const n = 530
	for _, a := range []matrix{
		symmetric(n, func(_, _ int) float64 { return rng.NormFloat64() }),
		withSpectrum(rng, spectra(rng, n)["repeated"]),
	} {
		values := make([]float64, n)
		require.NoError(t, EighValues(workers, a, values))
		add(values)
		require.NoError(t, Eigh(workers, a, values))
		add(values)
		add(a.Data)
	}

	l := positive(rng, 300, 1e4)
	require.NoError(t, Cholesky(workers, l))
	add(l.Data)
	for form := range 4 {
		triangle := Triangular{Matrix: l, Transposed: form&1 > 0}
		b, solve := strided(rng, 300, 400), SolveLeft
		if form&2 > 0 {
			b, solve = strided(rng, 400, 300), SolveRight
		}
		require.NoError(t, solve(workers, triangle, b))
		add(b.Data)
	}

	p := ofRank(rng, 300, 150)
	_, _, err := PivotedCholesky(workers, p, 1e-9)
	require.NoError(t, err)
	add(p.Data)

	values := make([]float64, 40)
	require.NoError(t, SingularValues(workers, strided(rng, 9000, 40), values))
	add(values)
	return fmt.Sprintf("%x", sum.Sum(nil))
}

// TestBitsDependOnNothing compares numbers of workers, and the CPU paths in
// processes of their own: a path is chosen once.
func TestBitsDependOnNothing(t *testing.T) {
	if os.Getenv(childVariable) != "" {
		fmt.Printf("digest on %v: %s\n", kernel.CPU(), digest(t, 2))
		return
	}
	want := digest(t, 1)
	for _, workers := range []int{2, 3, 8} {
		require.Equal(t, want, digest(t, workers), "%d workers", workers)
	}
	for path := kernel.Generic; path < kernel.CPU(); path++ {
		child := exec.Command(os.Args[0], "-test.run=^TestBitsDependOnNothing$")
		child.Env = append(os.Environ(), childVariable+"=1", "INFL_CPU="+path.String())
		out, err := child.CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Contains(t, string(out), fmt.Sprintf("digest on %v: %s\n", path, want), "%s", bytes.TrimSpace(out))
	}
}
