package ekfac

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// checkBasis returns an error where the basis is not that of the same fit. Covariances
// that the training program summed are those of another pass over the examples, whose
// losses may differ in their last bits.
func (f *fit) checkBasis() error {
	same := f.head
	same.Method = KFAC
	basis := f.Basis.head
	if basis.Summed || same.Summed {
		basis.Summed, basis.Input, basis.Left = same.Summed, same.Input, same.Left
	}
	if basis.Method != KFAC || basis.identity() != same.identity() {
		return errors.New("the basis was fitted to another capture, or in another way; it has to be that of kfac, of the same capture and options")
	}
	if f.Basis.head.Sums == nil {
		return errors.New("the basis has no checksums; open it from a folder")
	}
	return nil
}

// takeBasis copies the covariances and eigenbases of the basis.
func (f *fit) takeBasis(ctx context.Context) error {
	for i := range f.head.Modules {
		f.head.Modules[i].Changes = f.Basis.head.Modules[i].Changes
	}
	for _, x := range factorsOf(f.head.Modules) {
		for _, file := range []string{x.covariance, x.values, x.vectors} {
			if err := ctx.Err(); err != nil {
				return err
			}
			if f.to.has(file, x.key) {
				continue
			}
			m, err := f.Basis.tensors.matrix(file, x.key)
			if err != nil {
				return err
			}
			if err := f.to.put(file, x.key, m); err != nil {
				return err
			}
		}
	}
	return nil
}

// basisPrint is the digest of the eigenbases that corrections are summed in, or "".
func (f *fit) basisPrint() string {
	if f.Basis == nil {
		return ""
	}
	return f.Basis.head.basisPrint()
}

// basisPrint is a digest of eigenbases: the XXH3-64 of a line "FILE KEY XXH3" for each
// tensor of eigenvectors, inputs first, in order of key.
func (h *head) basisPrint() string {
	var text strings.Builder
	for _, file := range []string{inputVectors, outputVectors} {
		for _, key := range slices.Sorted(maps.Keys(h.Sums[file])) {
			fmt.Fprintf(&text, "%s %s %s\n", file, key, h.Sums[file][key])
		}
	}
	return digestOf(text.String())
}
