package influence

// ByLayer returns a scorer of the same job whose scores are those of single layers, which
// add up to the scores of s: a query row has an entry for each layer, in order, and the
// layout's Output is the layer's number. Norms by which scores are divided stay those of
// all layers together. It is an error where the scores of s are no sums over layers, as
// cosines are not. Self jobs are refused.
func ByLayer(s Scorer) (Scorer, error) {
	p, ok := s.(*productScorer)
	if !ok || p.terms[0].unit || p.variants > 0 {
		return nil, &UnsupportedError{What: "scores by layer of " + s.Describe().Method, Reason: "they are no sums over layers"}
	}
	by := *p
	for _, t := range by.terms {
		by.layers = max(by.layers, t.layer+1)
	}
	return &by, nil
}

// DotOfLayers is [Dot] with a term for each layer of a checkpoint, so that [ByLayer] can
// part them. Its rate is not used. Layers of [Outer] products are not formed, and no layers
// are joined, so that those of float16 and int8 keep their speed.
func DotOfLayers(c Checkpoint, o ProductOptions) (Scorer, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	var terms []term
	for l := range c.Train {
		terms = append(terms, term{weight: 1, layer: l, factors: productOf(c.scored(l), c.query(l))})
	}
	return newProduct(terms, o, dotDescription())
}
