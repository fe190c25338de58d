package app

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
)

// A runLog appends events to log.jsonl of a run folder.
type runLog struct {
	file *os.File
	log  *slog.Logger
}

func openLog(run string) (*runLog, error) {
	f, err := os.OpenFile(filepath.Join(run, "log.jsonl"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o666)
	if err != nil {
		return nil, fmt.Errorf("the log of the run: %w", err)
	}
	return &runLog{f, slog.New(slog.NewJSONHandler(f, nil))}, nil
}

func (l *runLog) event(msg string, args ...any) { l.log.Info(msg, args...) }

// close flushes nothing: each event is one write. A log that cannot be closed
// is no reason to fail a run.
func (l *runLog) close() { _ = l.file.Close() }
