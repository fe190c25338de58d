package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/infl-dev/infl/gbdt"
	"github.com/infl-dev/infl/gbdt/lightgbm"
	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/model"
	"github.com/infl-dev/infl/influence/sink"
	"github.com/infl-dev/infl/influence/store"
)

// Inspect says of each path what it is: a model, a table, a capture, a store of gradients
// or scores or a run, and what is supported of it.
func Inspect(ctx context.Context, c *Common, paths []string) error {
	t := &Table{Fields: []string{"path", "what", "value"}}
	for _, path := range paths {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := inspect(ctx, path, func(what string, value any) { t.Add(path, what, value) }); err != nil {
			return err
		}
	}
	return c.Output.Print(c.Streams, t)
}

func inspect(ctx context.Context, path string, add func(string, any)) error {
	info, err := os.Stat(path)
	if err == nil && model.IsModel(path) {
		return inspectTrained(path, add)
	}
	if err == nil && info.IsDir() {
		if capture.IsCapture(path) {
			return inspectCapture(ctx, path, add)
		}
		if store.Detect(path) == "" {
			return inspectRun(path, add)
		}
	}
	if store.Detect(path) != "" {
		return inspectStore(path, add)
	}
	if err == nil {
		model, err := isModel(path)
		if err != nil {
			return err
		}
		if model {
			return inspectModel(path, add)
		}
	}
	return inspectTable(path, add)
}

// isModel looks at the first bytes of a file, which may be packed.
func isModel(path string) (bool, error) {
	switch strings.ToLower(filepath.Ext(strings.TrimSuffix(strings.TrimSuffix(path, ".gz"), ".zst"))) {
	case ".csv", ".tsv", ".jsonl", ".ndjson", ".parquet", ".arrow", ".npy":
		return false, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	head, err := bufio.NewReader(f).Peek(64)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	packed := len(head) > 4 && (head[0] == 0x1f && head[1] == 0x8b || head[0] == 0x28 && head[1] == 0xb5)
	known := len(head) >= 4 && (string(head[:4]) == "PAR1" || string(head[:4]) == "ARRO" || head[0] == 0x93)
	return lightgbm.Sniff(head) || packed || !known, nil
}

func inspectModel(path string, add func(string, any)) error {
	f, err := openForest(path)
	if err != nil {
		return err
	}
	leaves, most := f.Leaves(), 0
	for i := range f.Trees {
		most = max(most, f.Trees[i].Leaves())
	}
	add("kind", "LightGBM model, "+f.Format+" "+f.Version)
	add("objective", objective(f))
	add("outputs", f.K)
	add("iterations", f.Iterations())
	add("trees", len(f.Trees))
	add("leaves", fmt.Sprintf("%d, at most %d in a tree", leaves, most))
	names := make([]string, len(f.Features))
	categorical := 0
	for i, x := range f.Features {
		names[i] = x.Name
		if x.Categorical {
			categorical++
		}
	}
	add("features", fmt.Sprintf("%d (%d categorical)", len(names), categorical))
	add("feature_names", names)
	if f.Train.Known {
		add("learning_rate", f.Train.LearningRate)
		add("lambda_l1", f.Train.L1)
		add("lambda_l2", f.Train.L2)
	} else {
		add("training parameters", "not in the file; they are inferred from the leaf values and checked")
	}
	for _, b := range f.Train.Bagged {
		add("not in the file", b+": which rows each tree saw; --row-masks gives them")
	}
	for _, l := range f.Train.Lost {
		add("not in the file", l)
	}
	if len(f.Unsupported) == 0 {
		add("supported", "yes: "+joinNames(namesOf(treeMethods)))
	}
	for _, u := range f.Unsupported {
		add("not supported", u.Error())
	}
	return nil
}

// objective writes the loss with the parameters that change it.
func objective(f *gbdt.Forest) string {
	l := f.Loss
	s := l.Name
	if l.Sigmoid != 0 && l.Sigmoid != 1 {
		s += fmt.Sprintf(" sigmoid:%g", l.Sigmoid)
	}
	if l.Unbalance {
		s += " is_unbalance"
	}
	if l.ScalePosWeight != 0 && l.ScalePosWeight != 1 {
		s += fmt.Sprintf(" scale_pos_weight:%g", l.ScalePosWeight)
	}
	return s
}

func inspectTable(path string, add func(string, any)) error {
	t, err := dataset.Open(path, dataset.Options{})
	if err != nil {
		return err
	}
	defer t.Close()
	add("kind", string(t.Kind())+" table")
	if n := len(t.Files()); n > 1 {
		add("shards", n)
	}
	if n, known := t.Rows(); known {
		add("rows", n)
	} else {
		add("rows", "known after reading")
	}
	add("bytes", t.Bytes())
	for _, c := range t.Columns() {
		add("column "+c.Name, c.Type)
	}
	return nil
}

func inspectRun(path string, add func(string, any)) error {
	r, state, err := sink.ReadRecord(path)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s: is a folder without run.json or manifest.json, and no store of another tool; name a run folder, a capture, a store, a model or a table", path)
	}
	if err != nil {
		return err
	}
	add("kind", "run folder")
	add("state", state)
	add("method", r.Method)
	add("positive_means", r.PositiveMeans)
	add("unit", r.Unit)
	if r.LOOFactor == nil {
		add("loo_factor", "null: no estimate of leaving a row out")
	} else {
		add("loo_factor", *r.LOOFactor)
	}
	if v, ok := r.Verdict.(map[string]any); ok {
		add("verdict", v["verdict"])
	}
	for _, o := range r.Outputs {
		add("output "+o.Name, formatBytes(o.Bytes))
	}
	for _, w := range r.Warnings {
		add("warning", w)
	}
	return nil
}
