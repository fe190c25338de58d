package app

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/infl-dev/infl/internal/app/report"
)

// seriesSuffix names the folder beside a page that holds the numbers of its
// figures: report.html has report-series.
const seriesSuffix = "-series"

// replaceFile writes a file under a temporary name and renames it.
func replaceFile(path string, text []byte) error {
	half := path + ".tmp"
	if err := os.WriteFile(half, text, 0o666); err != nil {
		return errors.Join(err, ignoreMissing(os.Remove(half)))
	}
	if err := os.Rename(half, path); err != nil {
		return errors.Join(err, os.Remove(half))
	}
	return nil
}

// replaceSeries writes the files to a folder. CSV files of an earlier page go, so
// that none stays which a later call left out on purpose.
func replaceSeries(folder string, files []report.File) error {
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	old, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, e := range old {
		if filepath.Ext(e.Name()) != ".csv" {
			continue
		}
		if err := os.Remove(filepath.Join(folder, e.Name())); err != nil {
			return err
		}
	}
	for _, f := range files {
		if err := replaceFile(filepath.Join(folder, f.Name), f.Text); err != nil {
			return err
		}
	}
	return nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
