//go:build !blas || !(darwin || freebsd || linux || netbsd)

package blas

// usualNames has one name, so that there is one attempt to load.
var usualNames = []string{""}

func load(string) (*Library, error) { return nil, ErrNotBuilt }
