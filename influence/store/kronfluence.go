package store

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/infl-dev/infl/influence/dataset"
)

// The files of kronfluence's scores.
const (
	pairwiseFile = "pairwise_scores.safetensors"
	selfFile     = "self_scores.safetensors"
)

// kronfluenceFile returns the file of scores that a path names, or holds as a folder.
func kronfluenceFile(path string, folder bool) string {
	if !folder {
		if name := filepath.Base(path); name == pairwiseFile || name == selfFile {
			return path
		}
		return ""
	}
	for _, name := range []string{pairwiseFile, selfFile} {
		if file := filepath.Join(path, name); there(file) {
			return file
		}
	}
	return ""
}

func isKronfluence(path string, folder bool) bool {
	return kronfluenceFile(path, folder) != "" || folder && len(namesIn(path, "*_scores_data_partition*.safetensors")) > 0
}

// openKronfluence opens the scores of a folder or file: queries × train rows, with the
// tokens of the train row last where they were kept; or one for each train row.
func (s *Store) openKronfluence(o dataset.MatrixOptions) error {
	file := kronfluenceFile(s.path, filepath.Ext(s.path) != ".safetensors")
	if file == "" {
		return problem(s.path, "holds partitions of scores without their sum; let kronfluence aggregate them (aggregate_scores)")
	}
	tensors, err := dataset.OpenTensors([]string{s.file(file)}, o.Read)
	if err != nil {
		return err
	}
	s.open = append(s.open, tensors)
	header := tensors.Header(0)
	if len(header.Tensors) == 0 {
		return problem(file, "holds no scores")
	}
	self := filepath.Base(file) == selfFile
	scores := &Scores{Tokens: 1, TrainRows: self, Self: self, PositiveMeans: helps}
	first := header.Tensors[0]
	for _, t := range header.Tensors {
		if fmt.Sprint(t.Shape) != fmt.Sprint(first.Shape) {
			return problem(file, "tensor %q has the shape %v, tensor %q has %v", t.Name, t.Shape, first.Name, first.Shape)
		}
		if dims := len(t.Shape); self && dims != 1 || !self && dims != 2 && dims != 3 {
			return problem(file, "tensor %q of shape %v holds no scores", t.Name, t.Shape)
		}
		m, err := tensors.Matrix(t.Name)
		if err != nil {
			return err
		}
		name := t.Name
		if name == "all_modules" {
			name = ""
		}
		scores.Blocks = append(scores.Blocks, Block{name, m})
	}
	if len(first.Shape) == 3 {
		scores.Tokens = max(1, first.Shape[2])
	}
	for _, name := range []string{"strategy", "damping_factor", "query_gradient_low_rank"} {
		if v := header.Metadata[name]; v != "" && v != "None" {
			s.fact(strings.ReplaceAll(name, "_", " "), v)
		}
	}
	s.scores = scores
	return nil
}
