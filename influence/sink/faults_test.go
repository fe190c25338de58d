package sink_test

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/sink"
	"github.com/stretchr/testify/require"
)

// disk is a file system that is full after some writes.
type disk struct{ left atomic.Int64 }

func (d *disk) open(path string, flag int) (sink.Handle, error) {
	f, err := sink.OpenFile(path, flag)
	if err != nil {
		return nil, err
	}
	return &onDisk{f, d, path}, nil
}

type onDisk struct {
	sink.Handle
	disk *disk
	path string
}

func (f *onDisk) full(op string) error {
	if f.disk.left.Add(-1) < 0 {
		return &fs.PathError{Op: op, Path: f.path, Err: syscall.ENOSPC}
	}
	return nil
}

// Write writes half of what does not fit.
func (f *onDisk) Write(p []byte) (int, error) {
	if err := f.full("write"); err != nil {
		n, writeErr := f.Handle.Write(p[:len(p)/2])
		return n, errors.Join(err, writeErr)
	}
	return f.Handle.Write(p)
}

func (f *onDisk) WriteAt(p []byte, at int64) (int, error) {
	if err := f.full("write"); err != nil {
		n, writeErr := f.Handle.WriteAt(p[:len(p)/2], at)
		return n, errors.Join(err, writeErr)
	}
	return f.Handle.WriteAt(p, at)
}

func (f *onDisk) Sync() error {
	if err := f.full("sync"); err != nil {
		return err
	}
	return f.Handle.Sync()
}

func (f *onDisk) Truncate(size int64) error {
	if err := f.full("truncate"); err != nil {
		return err
	}
	return f.Handle.Truncate(size)
}

// runOn is task.run on a disk.
func (k task) runOn(ctx context.Context, dir string, d *disk) (err error) {
	r, err := sink.OpenRunOn(dir, sink.RunOptions{Record: k.record}, d.open)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	s, err := r.Sink(k.keep)
	if err != nil {
		return err
	}
	if err := k.scorer.NewScorer().Score(ctx, k.job(), s); err != nil {
		return errors.Join(err, s.Abort())
	}
	return s.Commit(ctx)
}

func TestFullDiskAtAnyWrite(t *testing.T) {
	for _, matrix := range []sink.MatrixFormat{sink.NPYMatrix, sink.ArrowMatrix, sink.NoMatrix} {
		k := newTask()
		k.scorer.Train, k.scorer.NBlock, k.scorer.NTile, k.scorer.Workers = 40, 20, 20, 1
		k.keep.TrainRows = influence.RowRange(0, 40)
		k.keep.Matrix = matrix
		whole := t.TempDir()
		k.finish(t, whole)
		want := files(t, whole)
		step, failures := int64(1), 0
		for after := int64(0); ; after += step {
			dir, d := t.TempDir(), new(disk)
			d.left.Store(after)
			err := k.runOn(t.Context(), dir, d)
			if err == nil {
				require.Equal(t, want, files(t, dir))
				break
			}
			failures++
			require.ErrorIs(t, err, syscall.ENOSPC)
			require.ErrorContains(t, err, dir)
			for name, text := range files(t, dir) {
				require.False(t, strings.HasSuffix(name, ".tmp"), name)
				if name != "run.json" && filepath.Dir(name) == "." {
					require.Equal(t, want[name], text, name)
				}
			}
			if _, state, err := sink.ReadRecord(dir); err == nil {
				require.Equal(t, sink.Running, state)
			}
			k.finish(t, dir)
			require.Equal(t, want, files(t, dir), "full after %d writes", after)
			if after > 20 && matrix != sink.NoMatrix {
				step = 17 // The matrix takes hundreds of equal writes.
			}
		}
		require.Greater(t, failures, 10)
	}
}
