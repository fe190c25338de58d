package sink

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/infl-dev/infl/influence"
)

// Schema is the version of the run folder's format.
const Schema = 1

// recordName is the file that makes a folder a run folder.
const recordName = "run.json"

// States of a run.
const (
	Running = "running" // unfinished; the same command continues it
	Done    = "done"    // finished; all outputs are in place
)

// An Output is a file of a finished run.
type Output struct {
	Name  string `json:"name"` // relative to the run folder, with slashes
	Bytes int64  `json:"bytes"`
	XXH3  string `json:"xxh3"` // 16 hexadecimal digits
}

// A Record is what run.json says about a run. The fields of type any must
// marshal to JSON; maps and structs appear as objects with sorted names. The
// method's description stands at the top level: method, positive_means,
// unit, loo_factor and so on.
//
// Everything but Invocation and Measured must be the same for the same inputs
// and flags, for it is part of the result.
type Record struct {
	Versions      map[string]string `json:"versions"`      // of infl and of what it read
	Configuration any               `json:"configuration"` // effective; without what Invocation holds
	Inputs        any               `json:"inputs"`        // fingerprints; may be set later
	influence.Description
	Gates      any      `json:"gates"`
	Verdict    any      `json:"verdict"`
	Warnings   []string `json:"warnings"`
	Seed       uint64   `json:"seed"`
	Outputs    []Output `json:"outputs"`    // set by Finish
	Invocation any      `json:"invocation"` // command line, folders, workers, memory, interruptions
	Measured   any      `json:"measured"`   // times, rates, CPU path
}

// document is run.json as it is written.
type document struct {
	Schema int    `json:"schema"`
	State  string `json:"state"`
	Record
}

// encode returns the document with sorted names, indented, with a last newline.
func (d document) encode() ([]byte, error) {
	tree, err := plain(d)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", recordName, err)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err = e.Encode(tree)
	return b.Bytes(), err
}

// plain returns v as maps, slices, json.Numbers, strings, bools and nil.
func plain(v any) (any, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var out any
	err = d.Decode(&out)
	return out, err
}

// ReadRecord reads the run.json of a run folder, and in which state it is. The
// fields of type any hold maps, slices, json.Numbers, strings, bools and nil.
// A folder without run.json gives an error that is os.ErrNotExist.
func ReadRecord(dir string) (Record, string, error) {
	path := filepath.Join(dir, recordName)
	text, err := os.ReadFile(path)
	if err != nil {
		return Record{}, "", err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var doc document
	if err := d.Decode(&doc); err != nil {
		return Record{}, "", fmt.Errorf("%s is damaged: %w", path, err)
	}
	if doc.Schema != Schema {
		return Record{}, "", fmt.Errorf("%s has schema %d; this version reads schema %d", path, doc.Schema, Schema)
	}
	if doc.State != Running && doc.State != Done {
		return Record{}, "", fmt.Errorf("%s is damaged: its state is %q", path, doc.State)
	}
	return doc.Record, doc.State, nil
}
