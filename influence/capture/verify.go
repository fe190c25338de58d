package capture

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Verify checks that the captures of a folder are as they were written: what
// [OpenRun] checks, the SHA-256 of each shard, and that each example with a number
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
		sum, err := fileSHA256(ctx, path)
		if err != nil {
			return problems, err
		}
		if sum != s.SHA256 {
			problems = append(problems, fmt.Sprintf("%s has the SHA-256 %s, the manifest says %s", path, sum, s.SHA256))
		}
	}
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

// fileSHA256 returns the SHA-256 of a file in hexadecimal digits.
func fileSHA256(ctx context.Context, path string) (_ string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", caused(path, err)
	}
	defer f.Close()
	h := sha256.New()
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
