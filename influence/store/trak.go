package store

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/infl-dev/infl/influence/dataset"
)

// trakHead is the metadata.json of a TRAK folder.
type trakHead struct {
	Dimension int64  `json:"JL dimension"`
	Matrix    string `json:"JL matrix type"`
	Train     int64  `json:"train set size"`
}

// trakExperiment is a value of experiments.json, whose keys name the experiments.
type trakExperiment struct {
	Targets   int64  `json:"num_targets"`
	Path      string `json:"scores_path"`
	Finalized int    `json:"scores_finalized"`
}

func isTRAK(path string, folder bool) bool {
	return folder && there(filepath.Join(path, "metadata.json")) && len(TRAKModels(path)) > 0
}

func isTRAKModel(path string, folder bool) bool {
	return folder && there(filepath.Join(path, "grads.mmap")) && there(filepath.Join(path, "out_to_loss.mmap"))
}

// TRAKModels returns the folders of the models of a TRAK folder, in order of number.
func TRAKModels(path string) []string {
	var numbers []int
	for _, name := range namesIn(path, "*") {
		if n, err := strconv.Atoi(name); err == nil && n >= 0 && strconv.Itoa(n) == name && isTRAKModel(filepath.Join(path, name), true) {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	dirs := make([]string, len(numbers))
	for i, n := range numbers {
		dirs[i] = filepath.Join(path, strconv.Itoa(n))
	}
	return dirs
}

// TRAKSide returns the file of a model's folder that is the side of a checkpoint with
// that name: train, query or out_to_loss. It is an error where there are several files
// of queries, and false where the folder is no model of TRAK.
func TRAKSide(dir, side string) (path string, ok bool, err error) {
	if !isTRAKModel(dir, true) {
		return "", false, nil
	}
	switch side {
	case "train":
		return dir, true, nil
	case "query":
		names := namesIn(dir, "*_grads.mmap")
		if len(names) == 1 {
			return filepath.Join(dir, names[0]), true, nil
		}
		return "", true, problem(dir, "has the queries of %d experiments (%s) where one is needed; name files with --train and --query", len(names), strings.Join(names, ", "))
	case "out_to_loss":
		return filepath.Join(dir, "out_to_loss.mmap"), true, nil
	}
	return "", false, nil
}

// openTRAK opens the scores of a whole folder, where they are those of one experiment.
// The gradients are in the folders of its models.
func (s *Store) openTRAK(o dataset.MatrixOptions) error {
	h := &trakHead{}
	if err := readHead(s.file(filepath.Join(s.path, "metadata.json")), h); err != nil {
		return err
	}
	for _, dir := range TRAKModels(s.path) {
		s.fact("model", dir)
	}
	s.fact("projection", fmt.Sprintf("%s to %d numbers, of gradients of the margin divided by the root of the number of parameters", h.Matrix, h.Dimension))
	experiments, err := s.experiments()
	if err != nil {
		return err
	}
	for _, e := range experiments {
		s.fact("experiment "+e.name, fmt.Sprintf("%d targets, scores %s", e.Targets, e.state()))
	}
	if len(experiments) == 1 && experiments[0].Finalized != 0 {
		return s.trakScores(experiments[0], h.Train, o)
	}
	return nil
}

type namedExperiment struct {
	name string
	trakExperiment
}

func (e *namedExperiment) state() string {
	if e.Finalized != 0 {
		return "in " + e.Path
	}
	return "not finalized"
}

// experiments returns the experiments in order of name.
func (s *Store) experiments() ([]namedExperiment, error) {
	path := filepath.Join(s.path, "experiments.json")
	if !there(path) {
		return nil, nil
	}
	all := map[string]trakExperiment{}
	if err := readHead(s.file(path), &all); err != nil {
		return nil, err
	}
	var out []namedExperiment
	for name, e := range all {
		out = append(out, namedExperiment{name, e})
	}
	slices.SortFunc(out, func(a, b namedExperiment) int { return strings.Compare(a.name, b.name) })
	return out, nil
}

// trakScores opens the scores of an experiment: a vector for each train row.
func (s *Store) trakScores(e namedExperiment, train int64, o dataset.MatrixOptions) error {
	if !filepath.IsLocal(e.Path) {
		return problem(filepath.Join(s.path, "experiments.json"), "scores_path %q of %q leads out of the folder", e.Path, e.name)
	}
	m, err := s.matrix(filepath.Join(s.path, e.Path), o)
	if err != nil {
		return err
	}
	if m.Rows() != train || int64(m.Cols()) != e.Targets {
		return problem(m.Path(), "has scores of %d train rows and %d targets, the folder says %d and %d", m.Rows(), m.Cols(), train, e.Targets)
	}
	s.scores = &Scores{
		Blocks: []Block{{"", m}}, TrainRows: true, Tokens: 1,
		PositiveMeans: "the train row pushes the query's margin up",
	}
	return nil
}

// openTRAKModel opens the projected gradients of the train rows of a model.
func (s *Store) openTRAKModel(o dataset.MatrixOptions) error {
	dir := s.path
	m, err := s.matrix(filepath.Join(dir, "grads.mmap"), o)
	if err != nil {
		return err
	}
	flags := filepath.Join(dir, "_is_featurized.mmap")
	if _, err := os.Stat(flags); err == nil {
		done, err := readInts(s.file(flags))
		if err != nil {
			return err
		}
		if int64(len(done)) != m.Rows() {
			return problem(flags, "marks %d rows, grads.mmap has %d", len(done), m.Rows())
		}
		if i := slices.Index(done, 0); i >= 0 {
			return problem(flags, "row %d is not featurized; let TRAK finish", i)
		}
	}
	for _, name := range namesIn(dir, "*_grads.mmap") {
		s.fact("queries", filepath.Join(dir, name))
	}
	s.blocks = []Block{{"", m}}
	return nil
}
