package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/infl-dev/infl/ekfac"
	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/sink"
	"github.com/infl-dev/infl/influence/store"
)

// ConvertOptions are the flags of infl convert.
type ConvertOptions struct {
	Common
	To    string
	Dtype string // in which the gradients of a capture are formed

	Adam   string // the file of the optimiser's state
	Matrix string // the file of what vectors are multiplied with
}

var convertFormats = []string{"infl", "npy", "safetensors", "kronfluence"}

// Convert reads gradients, scores or factors and writes them in another format: scores from
// stores of other tools and from run folders with a matrix, gradients from everything
// that --train of infl score reads, factors from folders that --factors takes.
func Convert(ctx context.Context, o *ConvertOptions, in, out string) error {
	if err := o.validate(in, out); err != nil {
		return err
	}
	if _, err := o.limitHeap(); err != nil { // Mapped files are not in the heap.
		return err
	}
	if ekfac.IsFactors(in) {
		return o.convertFactors(ctx, in, out)
	}
	scores, done, err := openScores(in)
	if err != nil {
		return err
	}
	if scores != nil && (o.Adam != "" || o.Matrix != "") {
		return errors.Join(fmt.Errorf("%s: holds scores; --adam and --matrix are about gradients", in), done())
	}
	if scores != nil {
		return errors.Join(o.convertScores(ctx, scores, in, out), done())
	}
	side, err := openVectorSide(&o.Common, in, o.Dtype)
	if err != nil {
		return err
	}
	return errors.Join(o.convertGradients(ctx, side, out), side.close())
}

func (o *ConvertOptions) validate(in, out string) error {
	if o.To == "" {
		return fmt.Errorf("--to is needed: one of %s", joinNames(convertFormats))
	}
	if !slices.Contains(convertFormats, o.To) {
		return fmt.Errorf("--to %q is not known; %s", o.To, suggest(o.To, convertFormats))
	}
	if _, err := influence.ParsePrecision(o.Dtype); err != nil {
		return fmt.Errorf("--dtype: %w", err)
	}
	if _, err := os.Stat(out); err == nil && (o.To == "npy" || o.To == "safetensors") {
		return fmt.Errorf("%s exists already; remove it, or write to another file", out)
	}
	return nil
}

// openScores opens the scores of a store or a run folder; nil where a path holds none.
func openScores(path string) (scores *store.Scores, done func() error, err error) {
	if store.Detect(path) != "" {
		s, err := store.Open(path, dataset.MatrixOptions{})
		if err != nil {
			return nil, nil, err
		}
		if s.Scores() == nil {
			return nil, nil, s.Close()
		}
		return s.Scores(), s.Close, nil
	}
	record, _, err := sink.ReadRecord(path)
	if err != nil {
		return nil, nil, nil // It is no run; what it is is said where it is opened.
	}
	file := filepath.Join(path, "matrix.npy")
	if _, err := os.Stat(file); err != nil {
		return nil, nil, fmt.Errorf("%s: is a run without matrix.npy; run infl score with --matrix=npy", path)
	}
	m, err := dataset.OpenMatrix(file, dataset.MatrixOptions{})
	if err != nil {
		return nil, nil, err
	}
	return &store.Scores{Blocks: []store.Block{{Vectors: m}}, Tokens: 1, PositiveMeans: record.PositiveMeans}, m.Close, nil
}

func (o *ConvertOptions) convertScores(ctx context.Context, s *store.Scores, in, out string) error {
	budget, err := o.memory()
	if err != nil {
		return err
	}
	switch o.To {
	case "npy":
		err = store.WriteScoresNPY(ctx, out, s, budget/4)
	case "safetensors":
		err = store.WriteScoresTensors(ctx, out, "scores", s, budget/4)
	case "kronfluence":
		err = store.WriteKronfluence(ctx, out, s, budget/4)
	case "infl":
		return fmt.Errorf("%s: holds scores; --to infl writes stores of gradients, and scores of infl lie in run folders, which infl score writes", in)
	}
	if err != nil {
		return err
	}
	t := &Table{Fields: []string{"out", "what", "queries", "train_rows", "positive_means"}}
	t.Add(out, "scores", s.Queries(), s.Train(), s.PositiveMeans)
	return o.Output.Print(o.Streams, t)
}

// convertFactors writes factors for infl, or for kronfluence too.
func (o *ConvertOptions) convertFactors(ctx context.Context, in, out string) error {
	if o.To != "infl" && o.To != "kronfluence" {
		return fmt.Errorf("%s: holds factors of a curvature, which --to infl and --to kronfluence write", in)
	}
	f, err := ekfac.Open(in)
	if err != nil {
		return err
	}
	write := f.Write
	if o.To == "kronfluence" {
		write = f.WriteKronfluence
	}
	err = write(ctx, out)
	t := &Table{Fields: []string{"out", "what", "method", "modules"}}
	t.Add(out, "factors", string(f.Method()), len(f.Modules()))
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return o.Output.Print(o.Streams, t)
}

func (o *ConvertOptions) convertGradients(ctx context.Context, side *vectorSide, out string) (err error) {
	if err := side.readNames(ctx, "", ""); err != nil {
		return err
	}
	if o.Adam != "" {
		if err := side.step(ctx, o.Adam); err != nil {
			return err
		}
	}
	blocks := side.named()
	if o.Matrix != "" {
		if blocks, err = o.mapped(ctx, blocks); err != nil {
			return err
		}
	}
	whole, err := influence.Concat(vectorsOf(blocks)...)
	if err != nil {
		return err
	}
	switch o.To {
	case "npy":
		err = store.WriteNPY(ctx, out, []int64{whole.Rows(), int64(whole.Cols())}, whole)
	case "safetensors":
		err = store.WriteTensors(ctx, out, nil, blocks)
	case "infl":
		c := store.Content{Blocks: blocks, Keys: side.ownKeys(), Source: side.path, Adam: o.Adam != "" || side.directions()}
		if o.Matrix == "" {
			side.carry(&c)
		}
		_, err = store.Write(ctx, out, c)
		err = kept(err)
	case "kronfluence":
		return fmt.Errorf("%s: holds gradients; kronfluence keeps scores and factors of a curvature; infl fit makes factors of a capture", side.path)
	}
	if err != nil {
		return err
	}
	t := &Table{Fields: []string{"out", "what", "rows", "numbers", "modules"}}
	t.Add(out, "gradients", whole.Rows(), whole.Cols(), len(blocks))
	return o.Output.Print(o.Streams, t)
}

// mapped returns the products of whole vectors with --matrix, as one block.
func (o *ConvertOptions) mapped(ctx context.Context, blocks []store.Block) ([]store.Block, error) {
	whole, err := influence.Concat(vectorsOf(blocks)...)
	if err != nil {
		return nil, err
	}
	m, err := dataset.OpenMatrix(o.Matrix, dataset.MatrixOptions{})
	if err != nil {
		return nil, err
	}
	v, err := influence.Mapped(ctx, whole, m, o.Workers)
	if err = errors.Join(err, m.Close()); err != nil {
		return nil, fmt.Errorf("%s: %w", o.Matrix, err)
	}
	return []store.Block{{Name: "projected", Vectors: v}}, nil
}

// named returns the blocks of a side with names that differ. Numbers with scales become
// float32.
func (s *vectorSide) named() []store.Block {
	out := make([]store.Block, len(s.blocks))
	for i, b := range s.blocks {
		name := fmt.Sprint("block", i)
		if i < len(s.names) && s.names[i] != "" {
			name = s.names[i]
		}
		if s.scaled() {
			b = influence.InFloat32(b, 1)
		}
		out[i] = store.Block{Name: name, Vectors: b}
	}
	return out
}

// ownKeys returns the keys of the rows where they are more than row numbers.
func (s *vectorSide) ownKeys() *dataset.Keys {
	switch {
	case s.capture != nil:
		return s.capture.Keys()
	case s.store != nil:
		return s.store.Keys()
	}
	return nil
}
