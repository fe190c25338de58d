package sink

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/infl-dev/infl/internal/durable"
)

// Names of files in a run folder.
const (
	scoresName      = "scores.parquet"
	rowsName        = "rows.parquet"
	matrixNPYName   = "matrix.npy"
	matrixArrowName = "matrix.arrow"
	partsName       = "parts"
)

// resultNames are outputs that only ever come from the run itself.
var resultNames = []string{scoresName, rowsName, matrixNPYName, matrixArrowName, "subset.parquet", "metrics.json"}

// seriesNames are folders of CSV files that eval and report leave in a run folder.
var seriesNames = []string{"series", "report-series"}

// A ForeignError says that a folder is in use for something else.
type ForeignError struct {
	Path string
	Name string // a file that no run makes
}

func (e *ForeignError) Error() string {
	return fmt.Sprintf("%s is not a run folder and is not empty (it holds %s); choose another --out", e.Path, e.Name)
}

// ownFolder returns a *ForeignError unless dir is a run folder or free.
func ownFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	foreign := ""
	for _, e := range entries {
		switch e.Name() {
		case recordName:
			return nil
		case lockName, recordName + durable.TempSuffix:
		default:
			foreign = e.Name()
		}
	}
	if foreign != "" {
		return &ForeignError{dir, foreign}
	}
	return nil
}

// removeOutputs removes the files of an earlier run: those that a run makes by
// name, those that its record lists, and what was left half-written.
func removeOutputs(dir string, listed []Output) error {
	names := append(slices.Clone(resultNames), "report.html", "report.md", "report.json", "log.jsonl")
	for _, o := range listed {
		if local := filepath.FromSlash(o.Name); filepath.IsLocal(local) && o.Name != recordName && o.Name != lockName {
			names = append(names, local)
		}
	}
	for _, folder := range seriesNames {
		series, err := os.ReadDir(filepath.Join(dir, folder))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, e := range series {
			if strings.HasSuffix(e.Name(), ".csv") {
				names = append(names, filepath.Join(folder, e.Name()))
			}
		}
	}
	var errs []error
	for _, name := range names {
		errs = append(errs, removeFile(filepath.Join(dir, name)), removeFile(filepath.Join(dir, name+durable.TempSuffix)))
	}
	for _, folder := range seriesNames {
		errs = append(errs, removeIfEmpty(filepath.Join(dir, folder)))
	}
	return errors.Join(errs...)
}

// removeStale removes results that are not listed: they can only be left from
// a run that was replaced.
func removeStale(dir string, listed []Output) error {
	var errs []error
	for _, name := range resultNames {
		isListed := slices.ContainsFunc(listed, func(o Output) bool { return o.Name == name })
		if !isListed {
			errs = append(errs, removeFile(filepath.Join(dir, name)))
		}
		errs = append(errs, removeFile(filepath.Join(dir, name+durable.TempSuffix)))
	}
	return errors.Join(errs...)
}

// hasUnits reports whether a folder holds finished units. Where that cannot be
// told, it says so: a run is then kept.
func hasUnits(dir string) bool {
	entries, err := os.ReadDir(filepath.Join(dir, partsName))
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	return slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return strings.HasSuffix(e.Name(), ".part") })
}

// removeParts removes the finished units and what else lies beside them.
func removeParts(dir string) error {
	parts := filepath.Join(dir, partsName)
	entries, err := os.ReadDir(parts)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), durable.TempSuffix)
		ours := strings.HasPrefix(name, unitPrefix) || strings.HasPrefix(name, firstPrefix)
		if ours && strings.HasSuffix(name, ".part") || name == matrixNPYName {
			errs = append(errs, removeFile(filepath.Join(parts, e.Name())))
		}
	}
	return errors.Join(append(errs, removeIfEmpty(parts))...)
}

// removeFile removes a file where there is one. Folders stay.
func removeFile(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir() {
		return nil
	}
	if err != nil {
		return err
	}
	return durable.RemoveIfThere(path)
}

// removeIfEmpty removes a folder unless it holds anything.
func removeIfEmpty(path string) error {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) > 0 {
		return nil
	}
	if err != nil {
		return err
	}
	return durable.RemoveIfThere(path)
}
