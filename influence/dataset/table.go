package dataset

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// BatchRows is the number of rows in a [Frame], for every frame but the last.
// It is a multiple of the block of 4,096 rows of sums over rows.
const BatchRows = 16_384

// Options say how a table is read. The zero value is the default.
type Options struct {
	// Workers is the number of goroutines that decode Parquet columns. 0 means
	// the number of CPUs that Go may use. Results do not depend on it.
	Workers int
}

// Validate lists everything that is wrong with the options.
func (o Options) Validate() error {
	if o.Workers < 0 {
		return problem("%d workers", o.Workers).hint("use 0 for the default, or a positive number")
	}
	return nil
}

// A Column is a column of a table. Type is "text" where the file does not tell
// types, else the name of the Arrow type.
type Column struct {
	Name  string
	Type  string
	arrow arrow.DataType // nil where the file does not tell types
}

// A Table is a file or several shards of one kind, seen as one table whose
// rows are numbered from 0 through all shards. A Table holds no open file
// between calls and may be used from several goroutines.
type Table struct {
	path    string
	kind    Kind
	files   []string
	columns []Column
	rowsOf  []int64 // rows of each file; −1 where the metadata does not tell
	bytes   int64
	format  format
}

// A format reads one kind of file.
type format interface {
	// schema returns the columns of a file, and its number of rows, or −1
	// where the metadata does not tell.
	schema(path string) ([]Column, int64, error)

	// scan sends the rows of a file to a. It returns errStop where a wants no
	// more.
	scan(path string, columns []Column, a *assembler) error
}

// Open finds the kind of a file and reads its schema, not its rows. A path that
// is no file but a glob stands for the shards that match it, in order of name;
// their kinds and columns must agree.
//
// The kind follows from the extension, or from the first bytes where the
// extension is unknown; compression of text files from the first bytes.
func Open(path string, opt Options) (*Table, error) {
	if err := opt.Validate(); err != nil {
		return nil, at(path, err)
	}
	files, err := shards(path)
	if err != nil {
		return nil, at(path, err)
	}
	t := &Table{path: path, files: files}
	for i, file := range files {
		kind, err := kindOf(file)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			t.kind, t.format = kind, formatOf(kind, opt)
		} else if kind != t.kind {
			return nil, at(file, problem("is %s but the first shard %s is %s", kind, filepath.Base(files[0]), t.kind))
		}
		if err := t.addShard(file); err != nil {
			return nil, at(file, err)
		}
	}
	return t, nil
}

// addShard reads the schema of a file and compares it with those before.
func (t *Table) addShard(file string) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	columns, rows, err := t.format.schema(file)
	if err != nil {
		return err
	}
	seen := make(map[string]bool, len(columns))
	for _, c := range columns {
		if seen[c.Name] {
			e := problem("stands twice in the table").hint("give each column its own name")
			e.Column = c.Name
			if t.isText() {
				e.Line = 1
			}
			return e
		}
		seen[c.Name] = true
	}
	if len(t.rowsOf) == 0 {
		t.columns = columns
	} else if diff := schemaDiff(t.columns, columns); diff != "" {
		return problem("the columns differ from those of the first shard %s: %s", filepath.Base(t.files[0]), diff)
	}
	t.rowsOf = append(t.rowsOf, rows)
	t.bytes += info.Size()
	return nil
}

func formatOf(kind Kind, opt Options) format {
	switch kind {
	case CSV:
		return delimited{','}
	case TSV:
		return delimited{'\t'}
	case JSONL:
		return jsonLines{}
	case Parquet:
		return parquetFormat{workers: opt.Workers}
	case Arrow:
		return arrowFormat{}
	}
	return npyFormat{}
}

// shards returns path itself, or the files that it matches as a glob.
func shards(path string) ([]string, error) {
	if _, err := os.Stat(path); err == nil || !strings.ContainsAny(path, "*?[") {
		return []string{path}, nil
	}
	files, err := filepath.Glob(path)
	if err != nil {
		return nil, problem("is not a valid glob: %v", err)
	}
	if len(files) == 0 {
		return nil, problem("no file matches")
	}
	slices.Sort(files)
	return files, nil
}

// schemaDiff names the first difference between two schemas.
func schemaDiff(want, got []Column) string {
	for i := range min(len(want), len(got)) {
		if want[i].Name != got[i].Name || want[i].Type != got[i].Type {
			return fmt.Sprintf("column %d is %q (%s), not %q (%s)", i+1, got[i].Name, got[i].Type, want[i].Name, want[i].Type)
		}
	}
	if len(want) != len(got) {
		return fmt.Sprintf("%d columns, not %d", len(got), len(want))
	}
	return ""
}

// Path returns the path or glob that the table was opened with.
func (t *Table) Path() string { return t.path }

// Kind returns the kind of the table's files.
func (t *Table) Kind() Kind { return t.kind }

// Columns returns the columns in the order of the file.
func (t *Table) Columns() []Column { return slices.Clone(t.columns) }

// Files returns the paths of the shards in order.
func (t *Table) Files() []string { return slices.Clone(t.files) }

// Rows returns the number of rows; known is false where the metadata does not
// tell, as in text files and Arrow streams.
func (t *Table) Rows() (n int64, known bool) {
	for _, rows := range t.rowsOf {
		if rows < 0 {
			return 0, false
		}
		n += rows
	}
	return n, true
}

// Bytes returns the size of all files on disk.
func (t *Table) Bytes() int64 { return t.bytes }

// Close releases what the table holds. It is safe to call it twice; a table
// holds nothing while no method runs, so Close today returns nil.
func (t *Table) Close() error { return nil }

// isText reports whether the files hold text, so that errors have lines.
func (t *Table) isText() bool { return t.kind == CSV || t.kind == TSV || t.kind == JSONL }

// column returns the position of a column by name, or −1.
func (t *Table) column(name string) int {
	return slices.IndexFunc(t.columns, func(c Column) bool { return c.Name == name })
}
