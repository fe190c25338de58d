//go:build !amd64 || noasm || purego

package kernel

func narrowVector[H Half](_ []H, _ []float32, _ float32) int { return 0 }

func widenVector[H Half](_ []float32, _ []H) int { return 0 }

func largestVector(_ []float32) (done int, most float32) { return 0, 0 }

func halfTile[H Half](_, _, _ int, _, _ []H, _ int, _, _ []float32, _ int) bool { return false }
