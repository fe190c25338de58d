//go:build amd64 && !noasm && !purego

package kernel

// forEachByteSupport runs f as the CPU is, and as if it had no instructions for
// products of bytes.
func forEachByteSupport(f func()) {
	old := vnni
	defer func() { vnni = old }()
	f()
	vnni = false
	f()
}
