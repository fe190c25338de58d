//go:build !blas

package blas

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNothingIsLoadedWithoutTheTag(t *testing.T) {
	for _, path := range []string{"", "libopenblas.so.0"} {
		_, err := Open(path)
		require.ErrorIs(t, err, ErrNotBuilt)
	}
}
