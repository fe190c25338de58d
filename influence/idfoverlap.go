package influence

import (
	"context"
	"fmt"
	"slices"

	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

// IDFOverlap scores by the rare words that a document, the train row, shares with a
// query:
//
//	S(q, i) = Σ tf_q(w) · IDF(w)  over the words w of both
//	IDF(w) = ln((C − df(w) + ½) / (df(w) + ½) + 1)
//
// where tf_q(w) is how often the query has w, df(w) how many of all C documents have it,
// whatever the rows of the job. A document's own count and length do not matter: a word
// is there or not. A score is a float64 chain over the words in the order of their
// bytes, rounded once to the job's precision; it is ≥ 0, and 0 where no word is shared.
// The index must not change any more.
//
// It says what is about the same things, not what taught the model anything: a baseline,
// and a filter before dearer methods. Self jobs and pools are refused. Cost: an addition
// for each word of a document and query that has it. Workers do not change results.
func IDFOverlap(x *WordIndex, workers int) Scorer {
	s := &idfOverlap{index: x, workers: parallel.Workers(workers), idf: make([]float64, len(x.df))}
	for w, df := range x.df {
		s.idf[w] = kernel.Log((float64(x.Documents())-float64(df)+0.5)/(float64(df)+0.5) + 1)
	}
	return s
}

type idfOverlap struct {
	index   *WordIndex
	workers int
	idf     []float64
}

// Describe implements Scorer.
func (s *idfOverlap) Describe() Description {
	return Description{
		Method:        "idf-overlap",
		Source:        "Grosse et al., arXiv 2308.03296 (2023), the TF-IDF filter before influence: BM25 of documents that have a word or not",
		PositiveMeans: "the train row shares rare words with the query; the larger, the more and the rarer",
		NegativeMeans: "does not occur",
		Unit:          "nats", Approximate: []string{"a baseline, not an effect"},
	}
}

// Layout implements Scorer.
func (s *idfOverlap) Layout(j Job) (Layout, error) {
	if err := j.Validate(s.index.Documents(), int64(len(s.index.queries))); err != nil {
		return Layout{}, err
	}
	l := Layout{Query: j.Query.Len(), Train: j.Train.Len(), QBlock: max(1, j.Query.Len()), NBlock: UnitRows, PerRow: 1, Precision: j.Precision}
	switch {
	case j.Of.Kind != Loss:
		return l, fmt.Errorf("method idf-overlap compares texts; it has no %s", j.Of.Kind)
	case j.Self:
		return l, &UnsupportedError{What: "self-influence by idf-overlap", Reason: "every text is most like itself"}
	case j.Pools != nil:
		return l, &UnsupportedError{What: "pools of queries with idf-overlap", Reason: "queries are scored one by one", Instead: "keep lists of single queries beside the sums"}
	}
	return l, nil
}

// Plan implements Scorer.
func (s *idfOverlap) Plan(_ context.Context, j Job) (Plan, error) {
	l, err := s.Layout(j)
	if err != nil {
		return Plan{}, err
	}
	operations := float64(l.Train) * float64(l.Query)
	for word, of := range s.postings(j) {
		operations += float64(len(of)) * float64(s.index.df[word])
	}
	return Plan{
		MemoryBytes: s.index.Bytes() + int64(s.workers)*s.chunk(l)*l.Query*l.Precision.Bytes() + int64(s.workers)*8*l.Query,
		Operations:  operations, Seconds: operations * 1e-9 / float64(s.workers), Units: l.NumUnits(),
	}, nil
}

// A posting is what a word adds to the score of a query entry.
type posting struct {
	entry  int
	weight float64
}

// postings returns the query entries with each word.
func (s *idfOverlap) postings(j Job) [][]posting {
	out := make([][]posting, len(s.idf))
	for e := range j.Query.Len() {
		for _, c := range s.index.queries[j.Query.At(e)] {
			out[c.word] = append(out[c.word], posting{int(e), float64(c.count * s.idf[c.word])})
		}
	}
	return out
}

// chunk is the number of train rows in a tile.
func (s *idfOverlap) chunk(l Layout) int64 { return max(1, min(1024, (1<<16)/max(1, l.Query))) }

// Score implements Scorer.
func (s *idfOverlap) Score(ctx context.Context, j Job, sink Sink) error {
	l, err := s.Layout(j)
	if err != nil {
		return err
	}
	if err := sink.Begin(ctx, l); err != nil {
		return err
	}
	postings := s.postings(j)
	for _, unit := range slices.Collect(sink.Missing()) {
		rows := s.chunk(l)
		chunks := int((unit.Train.Len() + rows - 1) / rows)
		err := parallel.For(ctx, s.workers, chunks, func(_, c int) error {
			lo := unit.Train.Lo + int64(c)*rows
			return sink.Put(ctx, s.tile(j, postings, Range2{unit.Query, Range{lo, min(lo+rows, unit.Train.Hi)}}))
		})
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// tile scores the documents of an area, which has all query entries.
func (s *idfOverlap) tile(j Job, postings [][]posting, area Range2) Tile {
	t := Tile{Range2: area}
	scores := make([]float64, area.Query.Len())
	for i := area.Train.Lo; i < area.Train.Hi; i++ {
		clear(scores)
		for _, word := range s.index.document(j.Train.At(i)) {
			for _, p := range postings[word] {
				scores[p.entry] += p.weight
			}
		}
		if j.Precision == Float64 {
			t.F64 = append(t.F64, scores...)
			continue
		}
		for _, v := range scores {
			t.F32 = append(t.F32, float32(v))
		}
	}
	return t
}
