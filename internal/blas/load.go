//go:build blas && (darwin || freebsd || linux || netbsd)

package blas

import (
	"fmt"
	"runtime"

	"github.com/ebitengine/purego"
)

// usualNames are the names that BLAS libraries with LAPACK have.
var usualNames = func() []string {
	if runtime.GOOS == "darwin" {
		return []string{"libopenblas.dylib", "/System/Library/Frameworks/Accelerate.framework/Accelerate"}
	}
	return []string{"libmkl_rt.so.2", "libmkl_rt.so", "libopenblas.so.0", "libopenblas.so", "liblapack.so.3"}
}()

// load opens a library and finds its functions.
func load(name string) (*Library, error) {
	handle, err := purego.Dlopen(name, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	l := &Library{name: name}
	for symbol, f := range map[string]any{"sgemm_": &l.sgemm, "dgemm_": &l.dgemm, "dsyevd_": &l.dsyevd, "dpotrf_": &l.dpotrf} {
		address, err := purego.Dlsym(handle, symbol)
		if err != nil {
			return nil, fmt.Errorf("%s has no function %s: %w", name, symbol, err)
		}
		purego.RegisterFunc(f, address)
	}
	return l, nil
}
