package dataset

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A Kind is the kind of a table's files.
type Kind string

// The kinds of files that [Open] reads.
const (
	CSV     Kind = "csv"
	TSV     Kind = "tsv"
	JSONL   Kind = "jsonl"
	Parquet Kind = "parquet"
	Arrow   Kind = "arrow"
	Npy     Kind = "npy"
)

var kindOfExtension = map[string]Kind{
	".csv": CSV, ".tsv": TSV, ".jsonl": JSONL, ".ndjson": JSONL,
	".parquet": Parquet, ".pq": Parquet,
	".arrow": Arrow, ".arrows": Arrow, ".feather": Arrow, ".ipc": Arrow,
	".npy": Npy,
}

var kindOfMagic = []struct {
	magic string
	kind  Kind
}{{"PAR1", Parquet}, {arrowMagic, Arrow}, {npyMagic, Npy}}

// kindOf tells the kind of a file from its name, or from its first bytes where
// the name says nothing.
func kindOf(path string) (Kind, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", &Error{Path: path, Row: -1, Problem: "no such file", Err: err}
	case err != nil:
		return "", at(path, err)
	case info.IsDir():
		return "", at(path, problem("is a directory, not a table").hint("name a file in it, or a glob such as %s", filepath.Join(path, "*.parquet")))
	}
	name := strings.ToLower(filepath.Base(path))
	bare := strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".zst")
	kind, known := kindOfExtension[filepath.Ext(bare)]
	packed := bare != name
	switch {
	case known && packed && kind != CSV && kind != TSV && kind != JSONL:
		return "", at(path, problem("%s files are not read through gzip or zstd", kind).hint("unpack it first"))
	case known:
		return kind, nil
	}
	head, err := firstBytes(path, 8)
	if err != nil {
		return "", at(path, err)
	}
	for _, m := range kindOfMagic {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return m.kind, nil
		}
	}
	return "", at(path, problem("the kind of table is not known").hint("use .csv, .tsv or .jsonl (also with .gz or .zst), .parquet, .arrow or .npy"))
}

func firstBytes(path string, n int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, n)
	got, err := io.ReadFull(f, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	return head[:got], nil
}
