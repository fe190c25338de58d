package sink

// A Side is one end of the scores of a query entry.
type Side string

// Helpful and Harmful are the ends of scores whose sign has a meaning, High
// and Low those of other scores.
const (
	Helpful Side = "helpful" // scores > 0, largest first
	Harmful Side = "harmful" // scores < 0, smallest first
	High    Side = "high"    // any scores, largest first
	Low     Side = "low"     // any scores, smallest first
)

// NoOutput is the Output of an [Entry] that is about no output of the model.
const NoOutput = -1

// An Entry is one kept score: a train row in a list of a query entry.
type Entry struct {
	Query    int64 // query entry of the layout
	QueryRow int64 // row number in the query table
	TrainRow int64 // row number in the train table
	Output   int32 // output of the model, or NoOutput
	Score    float64
	Side     Side
	Rank     int32 // from 1 within side
}
