package ekfac

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// journalName is the journal of a folder that is not finished.
const journalName = "progress.jsonl"

// A journal names the tensors of an unfinished folder that are there: first a line with
// the identity of the fit, then a [record] for each.
type journal struct{ *os.File }

// A record says that a tensor is there, and what its bytes are.
type record struct {
	File   string   `json:"file"`
	Key    string   `json:"key"`
	XXH3   string   `json:"xxh3"`
	Change *float64 `json:"change,omitempty"`
}

// openJournal opens the journal of a folder, which it begins where there is none, and
// returns what it says. A line that was cut short says nothing.
func openJournal(dir, identity string) (*journal, []record, error) {
	path := filepath.Join(dir, journalName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return nil, nil, err
	}
	var first string
	var done []record
	lines := bufio.NewScanner(f)
	if lines.Scan() {
		first = lines.Text()
	}
	for lines.Scan() {
		var r record
		if json.Unmarshal(lines.Bytes(), &r) == nil {
			done = append(done, r)
		}
	}
	switch err := lines.Err(); {
	case err != nil:
		return nil, nil, errors.Join(err, f.Close())
	case first == "":
		_, err := fmt.Fprintln(f, identity)
		if err != nil {
			return nil, nil, errors.Join(err, f.Close())
		}
	case first != identity:
		err := fmt.Errorf("%s: holds unfinished factors of another capture, or fitted in another way; remove it, or name another folder", dir)
		return nil, nil, errors.Join(err, f.Close())
	}
	return &journal{f}, done, nil
}

// add appends a record.
func (j *journal) add(r record) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	// The line before may have been cut short.
	_, err = j.Write(append(append([]byte("\n"), line...), '\n'))
	return err
}

// remove removes the journal of a finished folder.
func (j *journal) remove() error { return os.Remove(j.Name()) }
