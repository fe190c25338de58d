package kernel

// outsideGeneric returns the first column from a given one on whose score is not
// strictly between its bounds, as NaN never is, and a mask of one bit for it; or a
// mask of 0 where there is none.
func outsideGeneric[F Float](scores, atLeast, atMost []F, from int) (at int, mask uint64) {
	for at = from; at < len(scores); at++ {
		if v := scores[at]; !(v < atLeast[at] && v > atMost[at]) {
			return at, 1
		}
	}
	return at, 0
}
