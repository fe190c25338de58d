package dataset

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/zeebo/xxh3"
)

// TestFingerprint compares with the definition on sizes around a block.
func TestFingerprint(t *testing.T) {
	head := []byte("a,b\n")
	for _, size := range []int{len(head), 1 << 20, 1<<20 + 1, FingerprintBlock - 1, FingerprintBlock, FingerprintBlock + 1} {
		content := append(bytes.Clone(head), bytes.Repeat([]byte("7,8\n"), size/4)...)[:size]
		table, err := Open(write(t, "t.csv", content), Options{})
		require.NoError(t, err)
		got, err := table.Fingerprint(t.Context())
		require.NoError(t, err)
		want := []string{}
		for lo := 0; lo < size; lo += FingerprintBlock {
			want = append(want, fmt.Sprintf("%016x", xxh3.Hash(content[lo:min(lo+FingerprintBlock, size)])))
		}
		require.Equal(t, Fingerprint{[]FileFingerprint{{"t.csv", int64(size), want}}}, got)
	}
}

func TestFingerprintDiff(t *testing.T) {
	a := Fingerprint{[]FileFingerprint{{"x", 10, []string{"1", "2"}}, {"y", 3, []string{"3"}}}}
	require.True(t, a.Equal(a))
	differs := func(want string, change func(*Fingerprint)) {
		t.Helper()
		b := Fingerprint{[]FileFingerprint{{"x", 10, []string{"1", "2"}}, {"y", 3, []string{"3"}}}}
		change(&b)
		require.False(t, a.Equal(b))
		require.Contains(t, a.Diff(b), want)
	}
	differs("x differs in block 1", func(b *Fingerprint) { b.Files[0].Blocks[1] = "9" })
	differs("y has 4 bytes, not 3", func(b *Fingerprint) { b.Files[1].Bytes = 4 })
	differs("file 2 is z, not y", func(b *Fingerprint) { b.Files[1].Name = "z" })
	differs("1 files, not 2", func(b *Fingerprint) { b.Files = b.Files[:1] })
}

func TestFingerprintOfAVanishedFile(t *testing.T) {
	path := write(t, "t.csv", []byte("a\n"))
	table, err := Open(path, Options{})
	require.NoError(t, err)
	require.NoError(t, os.Remove(path))
	_, err = table.Fingerprint(t.Context())
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, path, e.Path)
}
