package capture

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"github.com/zeebo/xxh3"
)

// Verify checks that the captures of a folder are as they were written: what
// [OpenRun] checks, the checksum of each shard, and that each example with a number
// that is not finite was flagged by the writer. It returns one sentence for each
// thing that is wrong, none for a sound folder; err is for what kept it from
// looking, such as ctx's end. It reads everything twice.
func Verify(ctx context.Context, path string, opt Options) (problems []string, err error) {
	r, err := OpenRun(path, opt)
	if err != nil {
		return []string{err.Error()}, nil
	}
	defer func() {
		if closing := r.Close(); err == nil {
			err = closing
		}
	}()
	for i := range r.Checkpoints {
		for _, c := range r.Checkpoints[i].Sides() {
			found, err := c.verify(ctx)
			if err != nil {
				return problems, err
			}
			problems = append(problems, found...)
		}
	}
	return problems, nil
}

func (c *Capture) verify(ctx context.Context) (problems []string, err error) {
	for _, s := range c.manifest.Shards {
		path := filepath.Join(c.dir, s.File)
		name, want, h := "XXH3", s.XXH3, hash.Hash(xxh3.New())
		if want == "" {
			name, want, h = "SHA-256", s.SHA256, sha256.New()
		}
		sum, err := checksum(ctx, path, h)
		if err != nil {
			return problems, err
		}
		if sum != want {
			problems = append(problems, fmt.Sprintf("%s has the %s %s, the manifest says %s", path, name, sum, named(want)))
		}
	}
	problems = append(problems, c.verifySums()...)
	for b, err := range c.Blocks(ctx, 0, c.Len(), BlockOptions{}) {
		if err != nil {
			return problems, err
		}
		for i, flagged := range b.Flagged {
			if row := b.First + int64(i); flagged && !c.flagged[row] {
				problems = append(problems, fmt.Sprintf("%s: example %d (key %d) holds a number that is not finite and is not flagged", c.dir, row, b.IDs[i]))
			}
		}
	}
	return problems, nil
}

// checksum returns what a hash makes of a file, in hexadecimal digits.
func checksum(ctx context.Context, path string, h hash.Hash) (_ string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", caused(path, err)
	}
	defer f.Close()
	if _, err := io.Copy(h, contextReader{ctx, f}); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return "", caused(path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// A contextReader stops when its context ends.
type contextReader struct {
	ctx context.Context
	io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}
