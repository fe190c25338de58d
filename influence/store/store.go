package store

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
)

// A Kind is what a file or folder is.
type Kind string

// The kinds that [Open] reads.
const (
	Infl          Kind = "infl store"
	Bergson       Kind = "bergson index"
	BergsonScores Kind = "bergson scores"
	TRAK          Kind = "TRAK folder"
	TRAKModel     Kind = "model of a TRAK folder"
	LESS          Kind = "LESS gradients"
	Torch         Kind = "torch file"
	LogIX         Kind = "LogIX log"
	Dattri        Kind = "dattri chunks"
	Kronfluence   Kind = "kronfluence scores"
)

// A format is how a kind is recognised and opened.
type format struct {
	kind   Kind
	detect func(path string, folder bool) bool
	open   func(s *Store, o dataset.MatrixOptions) error
}

// formats lists the kinds, those that say most of themselves first.
var formats = []format{
	{Infl, isInfl, (*Store).openInfl},
	{Bergson, isBergson, (*Store).openBergson},
	{BergsonScores, isBergsonScores, (*Store).openBergsonScores},
	{TRAK, isTRAK, (*Store).openTRAK},
	{TRAKModel, isTRAKModel, (*Store).openTRAKModel},
	{Kronfluence, isKronfluence, (*Store).openKronfluence},
	{LogIX, isLogIX, (*Store).openLogIX},
	{Dattri, isDattri, (*Store).openDattri},
	{LESS, isLESS, (*Store).openLESS},
	{Torch, isTorch, (*Store).openTorch},
}

// Detect returns the kind of a file or folder, or "" where it is none of this package.
// It looks at names and first bytes, and says nothing of whether the rest is sound.
func Detect(path string) Kind {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	for _, f := range formats {
		if f.detect(path, info.IsDir()) {
			return f.kind
		}
	}
	return ""
}

// A Store is an open file or folder: gradients, or scores. It may be used from several
// goroutines until it is closed.
type Store struct {
	kind   Kind
	path   string
	blocks []Block
	scores *Scores
	keys   *dataset.Keys
	facts  []Fact
	files  []string
	open   []io.Closer

	manifest *Manifest // of ours
}

// A Block is the gradients of a module: a vector for each row of the store.
type Block struct {
	Name string // of the module; empty where the store does not say
	influence.Vectors
}

// A Fact is something that a store says of itself, for people.
type Fact struct {
	Name  string
	Value any
}

// Open opens a file or folder that [Detect] knows. It reads heads only. An error names
// the file and the field that is wrong, and is a [*dataset.Error].
func Open(path string, o dataset.MatrixOptions) (_ *Store, err error) {
	kind := Detect(path)
	i := slices.IndexFunc(formats, func(f format) bool { return f.kind == kind })
	if i < 0 {
		return nil, problem(path, "is no store of gradients or scores that is known")
	}
	s := &Store{kind: kind, path: path}
	if err := formats[i].open(s, o); err != nil {
		return nil, errors.Join(caused(path, err), s.Close())
	}
	return s, nil
}

// Kind returns what the store is.
func (s *Store) Kind() Kind { return s.kind }

// Path returns the path that the store was opened with.
func (s *Store) Path() string { return s.path }

// Blocks returns the gradients, module by module, all with the same number of rows; or
// nil where the store holds scores, or only folders with gradients.
func (s *Store) Blocks() []Block { return s.blocks }

// Scores returns the scores; nil for a store of gradients.
func (s *Store) Scores() *Scores { return s.scores }

// Manifest returns the head of a folder of ours; nil for other stores.
func (s *Store) Manifest() *Manifest { return s.manifest }

// Scaled reports whether the numbers of a block have scales, so that they mean something
// together only.
func (s *Store) Scaled() bool {
	return s.manifest != nil && slices.ContainsFunc(s.manifest.Blocks, func(b BlockHead) bool { return b.Scaled })
}

// Keys returns the names of the rows of the blocks; nil where they are only numbered.
func (s *Store) Keys() *dataset.Keys { return s.keys }

// Facts returns what the store says of itself beside its blocks and scores.
func (s *Store) Facts() []Fact { return s.facts }

// Files returns the paths of all files that the content depends on, each once.
func (s *Store) Files() []string { return s.files }

// Fingerprint hashes the files, in the order of [Store.Files].
func (s *Store) Fingerprint(ctx context.Context) (out dataset.Fingerprint, err error) {
	for _, path := range s.files {
		print, err := dataset.FingerprintFile(ctx, path)
		if err != nil {
			return out, err
		}
		out.Files = append(out.Files, print)
	}
	return out, nil
}

// Bytes returns the size of all files.
func (s *Store) Bytes() int64 {
	n := int64(0)
	for _, path := range s.files {
		if info, err := os.Stat(path); err == nil {
			n += info.Size()
		}
	}
	return n
}

// Close unmaps and closes the files. It is safe to call it twice.
func (s *Store) Close() error {
	var errs []error
	for _, c := range s.open {
		errs = append(errs, c.Close())
	}
	s.open = nil
	return errors.Join(errs...)
}

// file notes a file that the content depends on.
func (s *Store) file(path string) string {
	if !slices.Contains(s.files, path) {
		s.files = append(s.files, path)
	}
	return path
}

func (s *Store) fact(name string, value any) { s.facts = append(s.facts, Fact{name, value}) }

// parts opens parts of files as one matrix that the store owns.
func (s *Store) parts(parts []dataset.Part, o dataset.MatrixOptions) (*dataset.Matrix, error) {
	for _, p := range parts {
		s.file(p.Path)
	}
	m, err := dataset.OpenParts(s.path, parts, o)
	if err != nil {
		return nil, err
	}
	s.open = append(s.open, m)
	return m, nil
}

// matrix opens a file of vectors that the store owns.
func (s *Store) matrix(path string, o dataset.MatrixOptions) (*dataset.Matrix, error) {
	m, err := dataset.OpenMatrix(s.file(path), o)
	if err != nil {
		return nil, err
	}
	s.open = append(s.open, m)
	return m, nil
}

// split adds the blocks of vectors that hold the modules one after the other.
func (s *Store) split(v influence.Vectors, names []string, sizes []int) error {
	blocks, err := influence.Split(v, sizes...)
	if err != nil {
		return err
	}
	for i, b := range blocks {
		s.blocks = append(s.blocks, Block{names[i], b})
	}
	return nil
}

// someColumns returns numbers lo … hi−1 of each vector.
func someColumns(v influence.Vectors, lo, hi int) (influence.Vectors, error) {
	sizes, at := []int{lo, hi - lo, v.Cols() - hi}, 1
	if lo == 0 {
		sizes, at = sizes[1:], 0
	}
	if hi == v.Cols() {
		sizes = sizes[:len(sizes)-1]
	}
	blocks, err := influence.Split(v, sizes...)
	if err != nil {
		return nil, err
	}
	return blocks[at], nil
}

// namesIn returns the names of the entries of a folder that a pattern matches, in order
// of name.
func namesIn(dir, pattern string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if ok, err := filepath.Match(pattern, e.Name()); ok && err == nil && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names
}

// sum adds up sizes of modules; ok is false where one is not positive or the sum is no
// possible length of a row.
func sum(sizes []int) (n int64, ok bool) {
	for _, size := range sizes {
		if size < 1 || n > 1<<40 {
			return 0, false
		}
		n += int64(size)
	}
	return n, true
}
