//go:build !amd64 || noasm || purego

package kernel

// best is plain Go: this build holds nothing else.
func best() Path { return Generic }
