package store

import "github.com/infl-dev/infl/influence"

// Scores are the influence of n train rows on q queries. All kinds of this package hold
// numbers that are positive where the train row helps the query, as infl's do.
type Scores struct {
	// Blocks are scores that add up to the score of the model, one for each module, or
	// a single one. A block has a vector for each query, of the scores of all train
	// rows; or, with TrainRows, a vector for each train row, of the scores with all
	// queries.
	Blocks    []Block
	TrainRows bool

	// Tokens is how many numbers a train row has with a query, one after the other: 1,
	// or the number of its tokens, the longest row's for all.
	Tokens int64

	Self bool // there are no queries, but the scores of train rows with themselves

	// PositiveMeans says what a positive score says.
	PositiveMeans string
}

const helps = "the train row helps the query: a step on it lowers the query's loss"

// Queries returns q.
func (s *Scores) Queries() int64 {
	if s.TrainRows {
		return int64(s.Blocks[0].Cols())
	}
	return s.Blocks[0].Rows()
}

// Train returns n.
func (s *Scores) Train() int64 {
	if s.TrainRows {
		return s.Blocks[0].Rows()
	}
	return int64(s.Blocks[0].Cols()) / s.Tokens
}

// column sees a vector of scores of train rows as what a single query has.
func column(v influence.Vectors) *Scores {
	return &Scores{Blocks: []Block{{"", v}}, TrainRows: true, Tokens: 1, PositiveMeans: helps}
}
