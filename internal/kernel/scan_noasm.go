//go:build !amd64 || noasm || purego

package kernel

func outside[F Float](scores, atLeast, atMost []F, from int) (at int, mask uint64) {
	return outsideGeneric(scores, atLeast, atMost, from)
}
