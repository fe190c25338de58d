package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/zeebo/xxh3"

	"github.com/infl-dev/infl/internal/parallel"
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
// through its own handle, in memory of 256 KiB for each CPU, so that it can run beside
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

// hashBuffer is how many bytes are read at a time: they are still in a second level
// cache when they are hashed.
const hashBuffer = 256 << 10

// fingerprintFile hashes a file by way of buffers.
func fingerprintFile(ctx context.Context, path string) (_ FileFingerprint, err error) {
	f, err := os.Open(path)
	if err != nil {
		return FileFingerprint{}, err
	}
	defer closeInto(&err, f.Close)
	info, err := f.Stat()
	if err != nil {
		return FileFingerprint{}, err
	}
	return fingerprintBytes(ctx, path, info.Size(), func(lo, hi int64, buffer *[]byte) ([]byte, error) {
		if *buffer == nil {
			*buffer = make([]byte, hashBuffer)
		}
		part := (*buffer)[:hi-lo]
		if n, err := f.ReadAt(part, lo); n < len(part) {
			if errors.Is(err, io.EOF) {
				err = errors.New("the file became shorter while it was read")
			}
			return nil, err
		}
		return part, nil
	})
}

// fingerprintBytes hashes blocks of size bytes on as many goroutines as there are CPUs.
// read returns at most hashBuffer bytes lo … hi−1, of the worker's buffer if need be.
func fingerprintBytes(ctx context.Context, path string, size int64, read func(lo, hi int64, buffer *[]byte) ([]byte, error)) (FileFingerprint, error) {
	blocks := int((size + FingerprintBlock - 1) / FingerprintBlock)
	out := FileFingerprint{Name: filepath.Base(path), Bytes: size, Blocks: make([]string, blocks)}
	workers := parallel.Workers(0)
	buffers := make([][]byte, workers)
	err := parallel.For(ctx, workers, blocks, func(worker, block int) error {
		h := xxh3.New()
		lo := int64(block) * FingerprintBlock
		for hi := min(lo+FingerprintBlock, size); lo < hi; {
			if err := ctx.Err(); err != nil {
				return err
			}
			part, err := read(lo, min(lo+hashBuffer, hi), &buffers[worker])
			if err != nil {
				return err
			}
			h.Write(part)
			lo += int64(len(part))
		}
		out.Blocks[block] = fmt.Sprintf("%016x", h.Sum64())
		return nil
	})
	return out, err
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
