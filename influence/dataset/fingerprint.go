package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/zeebo/xxh3"
)

// FingerprintBlock is the number of bytes that one hash covers.
const FingerprintBlock = 64 << 20

// A Fingerprint identifies the content of a table's files.
type Fingerprint struct {
	Files []FileFingerprint `json:"files"`
}

// A FileFingerprint identifies the content of one file.
type FileFingerprint struct {
	Name   string   `json:"name"`   // without its folder
	Bytes  int64    `json:"bytes"`  // length
	Blocks []string `json:"blocks"` // XXH3-64 of each block of [FingerprintBlock] bytes, 16 hexadecimal digits
}

// Fingerprint hashes the table's files as they lie on disk. It reads each once
// through its own handle, in memory of a mebibyte, so that it can run beside
// [Bound.Frames].
func (t *Table) Fingerprint(ctx context.Context) (Fingerprint, error) {
	var out Fingerprint
	for _, path := range t.files {
		f, err := fingerprintFile(ctx, path)
		if err != nil {
			return Fingerprint{}, at(path, err)
		}
		out.Files = append(out.Files, f)
	}
	return out, nil
}

func fingerprintFile(ctx context.Context, path string) (_ FileFingerprint, err error) {
	f, err := os.Open(path)
	if err != nil {
		return FileFingerprint{}, err
	}
	defer closeInto(&err, f.Close)
	out := FileFingerprint{Name: filepath.Base(path), Blocks: []string{}}
	buf := make([]byte, 1<<20)
	h := xxh3.New()
	for {
		if err := ctx.Err(); err != nil {
			return FileFingerprint{}, err
		}
		n, err := io.ReadFull(f, buf)
		h.Write(buf[:n])
		out.Bytes += int64(n)
		ended := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !ended {
			return FileFingerprint{}, err
		}
		if rest := out.Bytes % FingerprintBlock; n > 0 && (rest == 0 || ended) || ended && rest > 0 {
			out.Blocks = append(out.Blocks, fmt.Sprintf("%016x", h.Sum64()))
			h.Reset()
		}
		if ended {
			return out, nil
		}
	}
}

// Equal reports whether both fingerprints are of the same names and content.
func (f Fingerprint) Equal(g Fingerprint) bool { return f.Diff(g) == "" }

// Diff names the first difference between f and g: the file, and the block
// where their contents part. It is empty where they are equal.
func (f Fingerprint) Diff(g Fingerprint) string {
	for i := range min(len(f.Files), len(g.Files)) {
		a, b := f.Files[i], g.Files[i]
		if a.Name != b.Name {
			return fmt.Sprintf("file %d is %s, not %s", i+1, b.Name, a.Name)
		}
		for k := range min(len(a.Blocks), len(b.Blocks)) {
			if a.Blocks[k] != b.Blocks[k] {
				return fmt.Sprintf("%s differs in block %d (from byte %d)", a.Name, k, int64(k)*FingerprintBlock)
			}
		}
		if a.Bytes != b.Bytes || len(a.Blocks) != len(b.Blocks) {
			return fmt.Sprintf("%s has %d bytes, not %d", a.Name, b.Bytes, a.Bytes)
		}
	}
	if len(f.Files) != len(g.Files) {
		return fmt.Sprintf("%d files, not %d", len(g.Files), len(f.Files))
	}
	return ""
}
