package store

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/infl-dev/infl/influence/dataset"
)

// The merged gradients of LESS: unit rows, and rows as they are.
const (
	lessUnit  = "all_orig.pt"
	lessPlain = "all_unormalized.pt"
)

// lessFolder returns the folder with the files: the path, or its one subfolder dim*.
func lessFolder(path string) string {
	dirs := []string{path}
	for _, name := range namesIn(path, "dim*") {
		dirs = append(dirs, filepath.Join(path, name))
	}
	var found []string
	for _, dir := range dirs {
		if there(filepath.Join(dir, lessUnit)) || there(filepath.Join(dir, lessPlain)) || len(lessChunks(dir)) > 0 {
			found = append(found, dir)
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

// lessChunks returns the names grads-N.pt in order of number.
func lessChunks(dir string) []string {
	number := func(name string) (n int) {
		if _, err := fmt.Sscanf(name, "grads-%d.pt", &n); err != nil || fmt.Sprintf("grads-%d.pt", n) != name {
			return -1
		}
		return n
	}
	names := slices.DeleteFunc(namesIn(dir, "grads-*.pt"), func(name string) bool { return number(name) < 0 })
	slices.SortFunc(names, func(a, b string) int { return number(a) - number(b) })
	return names
}

func isLESS(path string, folder bool) bool { return folder && lessFolder(path) != "" }

// openLESS opens the projected gradients of a folder: merged ones with unit rows, else
// merged ones as they are, else the chunks.
func (s *Store) openLESS(o dataset.MatrixOptions) error {
	dir := lessFolder(s.path)
	names := lessChunks(dir)
	for _, merged := range []string{lessPlain, lessUnit} {
		if there(filepath.Join(dir, merged)) {
			names = []string{merged}
		}
	}
	s.fact("length of rows", map[bool]string{true: "1", false: "as they were projected"}[names[0] == lessUnit])
	var parts []dataset.Part
	for _, name := range names {
		path := filepath.Join(dir, name)
		tensors, err := torchTensors(path)
		if err != nil {
			return err
		}
		if len(tensors) != 1 {
			return problem(path, "holds %d tensors where the gradients are one", len(tensors))
		}
		part, _, err := tensors[0].part()
		if err == nil && part.Cols != int64(tensors[0].cols()) {
			err = fmt.Errorf("its rows are parts of longer ones")
		}
		if err != nil {
			return problem(path, "the tensor %v", err)
		}
		parts = append(parts, part)
	}
	m, err := s.parts(parts, o)
	if err != nil {
		return err
	}
	s.fact("files", names)
	s.blocks = []Block{{"", m}}
	return nil
}
