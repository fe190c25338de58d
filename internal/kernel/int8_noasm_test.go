//go:build !amd64 || noasm || purego

package kernel

func forEachByteSupport(f func()) { f() }
