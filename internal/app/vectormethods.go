package app

import "github.com/infl-dev/infl/influence"

// A vectorMethod is a method on files of vectors.
type vectorMethod struct {
	scorer func(train, query influence.Vectors, o influence.ProductOptions) (influence.Scorer, error)
}

// vectorMethods lists what exists, in the order of --list-methods.
var vectorMethods = []method{
	{name: "dot", needs: "train and query vectors", answers: "similarity: the inner product of the vectors", vectors: &vectorMethod{influence.Dot}},
	{name: "cosine", needs: "train and query vectors", answers: "similarity: the cosine of the angle between the vectors", vectors: &vectorMethod{influence.Cosine}},
}
