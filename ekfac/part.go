package ekfac

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/kernel"
)

// FitPart sums what a fit sums over examples, but for some of the examples only, lo … hi−1,
// into a folder. Fits of the same capture and options that are given the folders of their
// parts take these sums and read what lies between them again, a group of 64 examples (or
// 4,096 of one row each) for each end that cuts one; their bytes are those of a fit in
// one piece:
//
//	FitPart(…, FitOptions{Method: KFAC})        on any machine, for each range
//	FitFolder(…, FitOptions{Method: KFAC, Parts: …})
//	FitPart(…, FitOptions{Basis: …})            in the eigenbases of the last folder
//	FitFolder(…, FitOptions{Basis: …, Parts: …})
//
// So corrections, which are summed in eigenbases, need these as Basis. What an earlier
// call has finished in the folder is kept.
func FitPart(ctx context.Context, c *capture.Capture, dir string, lo, hi int64, o FitOptions) error {
	f, err := newFit(ctx, c, o)
	if err != nil {
		return err
	}
	if lo < 0 || hi < lo || hi > f.last {
		return fmt.Errorf("examples %d to %d of %d do not exist", lo, hi, f.last)
	}
	if c.Manifest().Level == capture.Factors {
		return fmt.Errorf("%s: is a capture of level %s, whose covariances are summed already; there are no parts of them", c.Dir(), capture.Factors)
	}
	if f.Method == EKFAC && f.Basis == nil {
		return errors.New("a part of a fit sums covariances, for kfac, or squares in eigenbases that are given as the basis")
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	f.part = exampleRange{lo, hi}
	f.Parts = nil
	to := &partFolder{tensors: &memoryTensors{}, dir: dir, identity: f.partIdentity()}
	if f.Basis != nil {
		to.tensors = f.Basis.tensors
	}
	f.to = to
	return f.runPart(ctx)
}

// runPart takes the stage that can be done for a part.
func (f *fit) runPart(ctx context.Context) error {
	covariances, corrections := covarianceJobs[float32], correctionJobs[float32]
	if f.head.Dtype == "F64" {
		covariances, corrections = covarianceJobs[float64], correctionJobs[float64]
	}
	if f.Method == KFAC {
		return f.sum(ctx, "covariances", covariances(f))
	}
	return f.sum(ctx, "correct eigenvalues", corrections(f))
}

// partIdentity is what parts that belong together have in common.
func (f *fit) partIdentity() string { return f.head.identity() + " " + digestOf(f.basisPrint()) }

func digestOf(text string) string { return fmt.Sprintf("%016x", xxh3.HashString(text)) }

// A partFolder holds the sums of a part: a file for each matrix, with a tensor for each of
// the largest subtrees that lie in the part.
type partFolder struct {
	tensors  // eigenbases
	dir      string
	identity string
}

// partFile is the name of the file of a matrix: keys may hold what names of files may not.
func partFile(file, key string) string { return file + "-" + digestOf(key) + ".safetensors" }

func (p *partFolder) has(file, key string) bool {
	_, err := os.Stat(filepath.Join(p.dir, partFile(file, key)))
	return err == nil
}

// putSums writes what a part has summed.
func (p *partFolder) putSums(t *tally) error {
	var heads []dataset.Tensor
	nodes := t.nodes()
	for _, at := range nodes {
		heads = append(heads, dataset.Tensor{
			Name: fmt.Sprintf("%d.%d", at.level, at.index), Dtype: "F64", Shape: []int64{int64(t.rows), int64(t.cols)},
			Bytes: 8 * int64(t.rows) * int64(t.cols),
		})
	}
	return writeTensors(filepath.Join(p.dir, partFile(t.file, t.key)), map[string]string{"fit": p.identity, "key": t.key}, heads, func(i int) (kernel.Matrix[float64], error) {
		sum := t.take(nodes[i])
		t.giveBack(sum) // It is written before the next one is taken.
		return sum, t.err
	})
}

// giveParts gives a sum what parts of it have been summed.
func (f *fit) giveParts(ctx context.Context, t *tally) error {
	for _, dir := range f.Parts {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := f.givePart(dir, t); err != nil {
			return err
		}
	}
	return nil
}

func (f *fit) givePart(dir string, t *tally) (err error) {
	path := filepath.Join(dir, partFile(t.file, t.key))
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil // and is summed again
	}
	x, err := dataset.OpenTensors([]string{path}, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	h := x.Header(0)
	if h.Metadata["fit"] != f.partIdentity() || h.Metadata["key"] != t.key {
		return fmt.Errorf("%s: is part of the fit of another capture, or in another way", path)
	}
	for _, tensor := range h.Tensors {
		var at node
		if _, err := fmt.Sscanf(tensor.Name, "%d.%d", &at.level, &at.index); err != nil || !t.fits(at) || !slices.Equal(tensor.Shape, []int64{int64(t.rows), int64(t.cols)}) {
			return fmt.Errorf("%s: tensor %q of shape %v is no sum of %s, or is there twice", path, tensor.Name, tensor.Shape, t.file)
		}
		numbers, err := x.Floats(0, tensor.Name, 0, int64(t.rows)*int64(t.cols))
		if err != nil {
			return err
		}
		t.give(at, kernel.MatrixOf(numbers, t.rows, t.cols))
	}
	return nil
}

// fits reports whether a subtree belongs to the tree and has nothing in common with those
// that were given.
func (t *tally) fits(at node) bool {
	if at.level < 0 || at.level > t.top || at.index < 0 || (at.index+1)<<at.level > t.count() {
		return false
	}
	return !slices.ContainsFunc(t.given, func(n node) bool {
		level := max(n.level, at.level)
		return n.index>>(level-n.level) == at.index>>(level-at.level)
	})
}
