package ekfac

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

// factorFiles are the files of factors, as kronfluence names them.
var factorFiles = []string{
	inputCovariance, inputRows, outputCovariance, outputRows, inputValues, inputVectors,
	outputValues, outputVectors, lambdaMatrix, lambdaExamples,
}

// A partition is the part of the examples and modules that a file of kronfluence is of.
var partition = regexp.MustCompile(`^(\w+)_data_partition(\d+)_module_partition(\d+)\.safetensors$`)

// isKronfluence reports whether a folder holds factors of kronfluence, be it in partitions.
func isKronfluence(dir string) bool {
	whole, split := kronfluenceFiles(dir)
	return len(whole)+len(split) > 0
}

// kronfluenceFiles lists the paths of the files of a folder by their names, and those of
// the partitions of other files, in order.
func kronfluenceFiles(dir string) (whole map[string]string, split []map[string]string) {
	whole = map[string]string{}
	for _, name := range factorFiles {
		path := filepath.Join(dir, name+".safetensors")
		if _, err := os.Stat(path); err == nil {
			whole[name] = path
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return whole, nil
	}
	of := map[[2]int]map[string]string{}
	for _, e := range entries {
		m := partition.FindStringSubmatch(e.Name())
		if m == nil || whole[m[1]] != "" || !slices.Contains(factorFiles, m[1]) {
			continue
		}
		data, err := strconv.Atoi(m[2])
		module, err2 := strconv.Atoi(m[3])
		if err != nil || err2 != nil { // Numbers that long are those of no partition.
			continue
		}
		at := [2]int{data, module}
		if of[at] == nil {
			of[at] = map[string]string{}
		}
		of[at][m[1]] = filepath.Join(dir, e.Name())
	}
	var order [][2]int
	for at := range of {
		order = append(order, at)
	}
	slices.SortFunc(order, func(a, b [2]int) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	for _, at := range order {
		split = append(split, of[at])
	}
	return whole, split
}

// openKronfluence opens a folder of kronfluence's factors. Where a matrix is there in
// partitions only, those are summed in the order of the examples.
func openKronfluence(dir string) (_ *Factors, err error) {
	whole, split := kronfluenceFiles(dir)
	p := parts{}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("%s: %w", dir, err), p.close())
		}
	}()
	for _, paths := range append([]map[string]string{whole}, split...) {
		t, err := openFiles(paths)
		if err != nil {
			return nil, err
		}
		p.folders = append(p.folders, t)
	}
	h := head{Format: formatName, Version: formatVersion, Tool: "kronfluence"}
	if h.Modules, h.Method, err = p.modules(); err != nil {
		return nil, err
	}
	for i := range h.Modules {
		m := &h.Modules[i]
		if h.Method != KFAC {
			if m.Examples, err = p.count(lambdaExamples, m.Name); err != nil {
				return nil, err
			}
		}
		if h.Method == Diagonal {
			continue
		}
		if m.Rows, err = p.count(inputRows, m.Name); err != nil {
			return nil, err
		}
		if h.Method == KFAC {
			if m.Examples, err = examplesOfCovariances(dir); err != nil {
				return nil, err
			}
		}
	}
	return &Factors{head: h, tensors: p, tolerance: p.exactness(h.vectors())}, nil
}

// examplesOfCovariances returns how many examples the covariances of a folder are of.
func examplesOfCovariances(dir string) (int64, error) {
	var data struct {
		Size int64 `json:"dataset_size"`
	}
	var arguments struct {
		Most *int64 `json:"covariance_max_examples"`
	}
	err := errors.Join(readJSON(filepath.Join(dir, "covariance_dataset_metadata.json"), &data),
		readJSON(filepath.Join(dir, "factor_arguments.json"), &arguments))
	if err != nil {
		return 0, err
	}
	if arguments.Most != nil {
		data.Size = min(data.Size, *arguments.Most)
	}
	if data.Size < 1 {
		return 0, fmt.Errorf("covariance_dataset_metadata.json: covariances of %d examples", data.Size)
	}
	return data.Size, nil
}

func readJSON(path string, into any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: is not understood: %w", path, err)
	}
	return nil
}

// vectors is a file of matrices that the factors have.
func (h *head) vectors() string {
	if h.Method == Diagonal {
		return lambdaMatrix
	}
	return outputVectors
}
