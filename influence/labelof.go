package influence

// LabelOf returns the class y that a gradient g of a cross-entropy by its K logits was
// computed with: g = p − e_y for probabilities p, so that g is negative at y alone. It is
// false where g is no such gradient: a number is beyond ±1 or negative beside the smallest
// one, or they do not add up to 0. Stored gradients are rounded, to 8 bits at worst, so a
// 64th of Σ|g| is let go.
func LabelOf(g []float64) (y int, ok bool) {
	const tolerance = 1.0 / 64
	total, size := 0.0, 0.0
	for c, v := range g {
		if v < g[y] {
			y = c
		}
		total += v
		size += max(v, -v)
	}
	for c, v := range g {
		if c != y && v < -tolerance*size || !(max(v, -v) <= 1+tolerance) {
			return 0, false
		}
	}
	return y, len(g) > 0 && max(total, -total) <= tolerance*size
}
