package influence

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/parallel"
)

// ProductOptions say what a product may use. Results do not depend on them.
type ProductOptions struct {
	Workers int // goroutines; 0 for the number of CPUs

	// MemoryBytes bounds the queries that are held at a time; 0 means no limit. Train
	// rows are read again for every further part of the queries.
	MemoryBytes int64
}

// Dot returns the inner products of train vectors a and query vectors b:
//
//	I(i, q) = ⟨a_i, b_q⟩     self: ⟨a_i, a_i⟩
//
// for n × d train and q × d query vectors; query may be nil for self jobs. Up to
// [kernel.FewQueries] query entries a score is a dot product of fixed lanes, above
// that a chain of fused multiply-adds over d, both in the job's precision, to which
// vectors are rounded first. Pools are inner products with the sum of their vectors.
// Train vectors that are [OuterSums] are not formed where that is fewer operations, and so
// never where each is one outer product: a score is then the sum over rows of dot products
// of the row's outputs with what the query makes of its inputs, each number of which is
// such a chain.
//
// A vector with NaN or ±Inf is a [NonFiniteError], and a score beyond the precision
// an error: nothing that is not finite becomes a score. A zero vector has the score
// 0 with everything.
//
// Cost: 2·n·q·d operations and one read of the train vectors.
func Dot(train, query Vectors, o ProductOptions) (Scorer, error) {
	return newProduct([]term{{weight: 1, factors: []factor{{train: train, query: query}}}}, o, dotDescription())
}

func dotDescription() Description {
	return Description{
		Method: "dot", Source: "the inner product of the two vectors",
		PositiveMeans: "the vectors point the same way; for gradients of losses: a step on the train row lowers the query's loss",
		NegativeMeans: "the vectors point opposite ways; for gradients of losses: a step on the train row raises the query's loss",
		Unit:          "product of the units of both vectors", Approximate: []string{},
	}
}

// Cosine returns the cosines of the angles between train and query vectors:
//
//	I(i, q) = ⟨a_i, b_q⟩ / (‖a_i‖·‖b_q‖)     self: 1
//
// and 0 where one of the vectors is zero. The query vectors are divided by their
// norms in float64 before they are rounded; the norms of train rows are square roots
// of sums in the job's precision, or in float64 where that sum is near the ends of
// float32. A pool is the sum of its unit vectors: its score is the sum of cosines.
// Everything else is as [Dot] has it.
func Cosine(train, query Vectors, o ProductOptions) (Scorer, error) {
	return newProduct([]term{{weight: 1, unit: true, factors: []factor{{train: train, query: query}}}}, o, Description{
		Method: "cosine", Source: "the cosine of the angle between the two vectors; 0 for a zero vector",
		PositiveMeans: "the vectors point the same way; for gradients of losses: a step on the train row lowers the query's loss",
		NegativeMeans: "the vectors point opposite ways; for gradients of losses: a step on the train row raises the query's loss",
		Unit:          "cosine", Approximate: []string{},
	})
}

// A term is one product in a sum of products:
//
//	weight · Π over factors ⟨a_i, b_q⟩
//
// With unit the vectors of each factor are divided by their norms.
type term struct {
	weight  float64
	layer   int // of the model, which it is a part of the score by
	unit    bool
	factors []factor
}

// A factor is an inner product. With bias a 1 is appended to the vectors of both
// sides.
type factor struct {
	train, query Vectors // query is nil for self jobs only
	bias         bool
	inverse      Inverse // of the curvature, for the query's side; nil for none
}

// plus is what the bias adds to an inner product.
func (f factor) plus() float64 {
	if f.bias {
		return 1
	}
	return 0
}

// productScorer scores by sums of products of streamed vectors.
type productScorer struct {
	terms    []term
	describe Description
	workers  int
	memory   int64

	layers     int // that have scores of their own; 0 for their sum
	variants   int // inverses that have scores of their own; 0 for one
	relative   Normalization
	rowWeights []Vectors // n × 1 each: scores of a train row are multiplied with their mean; nil for none
	noSelf     string    // why self jobs are refused; empty where they are not

	cuts *cutErrors // what was cut off the queries of low rank
}

// newProduct checks that the sides of all terms fit.
func newProduct(terms []term, o ProductOptions, d Description) (*productScorer, error) {
	s := &productScorer{terms: terms, describe: d, workers: parallel.Workers(o.Workers), memory: o.MemoryBytes, cuts: &cutErrors{of: map[int]map[int64]float64{}}}
	if len(terms) == 0 {
		return nil, errors.New("there are no vectors to multiply")
	}
	first := terms[0].factors[0]
	for t, x := range terms {
		for _, f := range x.factors {
			if f.train.Rows() != first.train.Rows() {
				return nil, fmt.Errorf("term %d has %d train rows, the first has %d", t, f.train.Rows(), first.train.Rows())
			}
			if (f.query == nil) != (first.query == nil) {
				return nil, fmt.Errorf("term %d and the first differ in whether they have queries", t)
			}
			if f.query == nil {
				continue
			}
			if f.query.Rows() != first.query.Rows() {
				return nil, fmt.Errorf("term %d has %d query rows, the first has %d", t, f.query.Rows(), first.query.Rows())
			}
			if f.query.Cols() != f.train.Cols() {
				return nil, fmt.Errorf("train vectors have %d numbers, query vectors %d; they must be of the same model and layer", f.train.Cols(), f.query.Cols())
			}
		}
	}
	return s, nil
}

// Describe implements Scorer.
func (s *productScorer) Describe() Description { return s.describe }

// sides returns the rows on either side.
func (s *productScorer) sides() (n, q int64) {
	f := s.terms[0].factors[0]
	if f.query != nil {
		q = f.query.Rows()
	}
	return f.train.Rows(), q
}

// direct reports whether a product is a score, with nothing to be added to.
func (s *productScorer) direct() bool { return len(s.terms) == 1 && len(s.terms[0].factors) == 1 }

// perRow is the number of query entries of a query row.
func (s *productScorer) perRow() int64 { return int64(max(1, s.layers, s.variants)) }

// linear reports whether scores of queries add up to the score of their sum.
func (s *productScorer) linear() bool {
	for _, t := range s.terms {
		if len(t.factors) > 1 {
			return false
		}
	}
	return !s.cutsQueries()
}

// Layout implements Scorer.
func (s *productScorer) Layout(j Job) (Layout, error) {
	n, q := s.sides()
	if err := j.Validate(n, q); err != nil {
		return Layout{}, err
	}
	l := Layout{Query: 1, Train: j.Train.Len(), NBlock: UnitRows, PerRow: 1, Precision: j.Precision}
	switch {
	case j.Of.Kind != Loss:
		return l, fmt.Errorf("method %s multiplies vectors; it has no %s", s.describe.Method, j.Of.Kind)
	case j.Self && s.noSelf != "":
		return l, &UnsupportedError{What: "self-influence by " + s.describe.Method, Reason: s.noSelf}
	case j.Self && s.layers > 0:
		return l, &UnsupportedError{What: "self-influence by layers", Reason: "it has one number for a row", Instead: "ask for each layer alone"}
	case j.Self && s.relative != AsTheyAre:
		return l, &UnsupportedError{What: "self-influence by a norm of the row", Reason: "the norm is made of it", Instead: "leave the normalisation out"}
	case j.Self:
	case s.terms[0].factors[0].query == nil:
		return l, fmt.Errorf("method %s was made without queries", s.describe.Method)
	case j.Pools != nil && !s.linear():
		return l, &UnsupportedError{What: "pools of queries with " + s.describe.Method, Reason: "its scores of single queries do not add up to that of all", Instead: "score the queries one by one"}
	case j.Pools != nil:
		l.Query = int64(j.Pools.Count)
	default:
		l.Query = j.Query.Len()
	}
	if n := int(s.perRow()); s.layers > 0 || s.variants > 0 {
		l.PerRow, l.Query = n, l.Query*s.perRow()
		l.Output = make([]int32, l.Query)
		for e := range l.Output {
			l.Output[e] = int32(e % n)
		}
	}
	l.QBlock = max(l.Query, 1)
	return l, nil
}

// slabs cuts the query rows of a layout, or its pools, into parts that are held at a
// time: one where memory allows it, else parts of whole blocks of 32, two at least. So
// each part of a cut job has more than [kernel.FewQueries], as the job has.
func (s *productScorer) slabs(l Layout) []Range {
	rows := l.Query / s.perRow()
	blocks := (rows + queryBlock - 1) / queryBlock
	parts := int64(1)
	if s.memory > 0 {
		parts = max(1, min((rows*s.queryBytes(l)+s.memory-1)/s.memory, blocks/2))
	}
	out := make([]Range, parts)
	for i := range out {
		out[i] = Range{int64(i) * blocks / parts * queryBlock, min(int64(i+1)*blocks/parts*queryBlock, rows)}
	}
	return out
}

// entries returns the query entries of query rows.
func (s *productScorer) entries(slab Range) Range {
	return Range{slab.Lo * s.perRow(), slab.Hi * s.perRow()}
}

// queryBytes is the memory of a query row: while it is read in float64, and as a copy
// and packed in each factor, of each variant.
func (s *productScorer) queryBytes(l Layout) int64 {
	p := l.Precision
	n, widest := int64(0), int64(0)
	for _, t := range s.terms {
		for _, f := range t.factors {
			if sums := s.unformed(t, l); sums != nil && f.staysFactored(sums) {
				n += int64(f.rowNumbers(sums)) * (2*8 + 2*p.Bytes())
				continue
			}
			n += int64(f.train.Cols()) * p.Bytes()
			widest = max(widest, int64(f.train.Cols()))
		}
	}
	return (n + widest*(8+p.Bytes())) * int64(max(1, s.variants))
}

// Measured rates of one core, in operations and bytes per second.
const (
	productRate = 90e9 // float32; half of it in float64
	readRate    = 5e9
)

// Plan implements Scorer.
func (s *productScorer) Plan(_ context.Context, j Job) (Plan, error) {
	l, err := s.Layout(j)
	if err != nil {
		return Plan{}, err
	}
	slabs := s.slabs(l)
	p := Plan{Units: l.NumUnits()}
	bytes, width := int64(0), 0.0
	for _, t := range s.terms {
		for _, f := range t.factors {
			cols := float64(f.train.Cols())
			if sums := s.unformed(t, l); sums != nil {
				out, in := sums.Shape()
				cols = sums.RowsEach() * float64(out+in)
				width += sums.RowsEach()*f.rowNumbers(sums) - cols
			}
			bytes += int64(cols * float64(f.train.Dtype().Bytes()))
			width += cols
		}
	}
	p.Passes = append(p.Passes, Pass{Input: "train", Times: len(slabs), Bytes: l.Train * bytes * int64(len(slabs))})
	if !j.Self {
		p.Passes = append(p.Passes, Pass{Input: "query", Times: 1, Bytes: j.Query.Len() * bytes})
		p.MemoryBytes = slabs[0].Len() * s.queryBytes(l)
	}
	vectors := l.Query / s.perRow()
	p.Operations = 2 * float64(l.Train) * float64(vectors) * width * float64(max(1, s.variants))
	if j.Self {
		vectors = l.Train
	}
	if s.relative != AsTheyAre {
		vectors += l.Train
	}
	held := s.entries(slabs[0]).Len()
	scores := held * l.Precision.Bytes()
	p.MemoryBytes += s.blockBytes(l.Precision) + scores*int64(s.workers)*256
	if !s.direct() {
		p.MemoryBytes += 2 * scores * chunkRows(held)
	}
	inverses := 0.0 // in float64
	for _, t := range s.terms {
		for _, f := range t.factors {
			if v, ok := f.train.(computed); ok {
				p.MemoryBytes += v.bytes()
				inverses += v.operations()
			}
			if f.inverse != nil {
				held := slabs[0].Len()
				if j.Self || s.relative != AsTheyAre {
					held = max(held, s.blockBytes(Float64)/(2*8*int64(f.train.Cols())))
				}
				if low := f.lowRank(); low != nil {
					p.MemoryBytes += low.FactorBytes(min(held, queryBlock))
				} else {
					p.MemoryBytes += f.inverse.Bytes(held)
				}
				inverses += f.inverse.Operations(vectors)
			}
		}
	}
	rate := productRate * float64(s.workers)
	if l.Precision == Float64 {
		rate /= 2
	}
	p.Seconds = max(p.Operations/rate, float64(p.Passes[0].Bytes)/readRate) + 2*inverses/(productRate*float64(s.workers))
	p.Operations += inverses
	return p, nil
}

// BlockBytes returns the size of blocks in which vectors should be read where memory
// bytes may be used: up to 16 MiB, which hides what a block costs.
func BlockBytes(memory int64) int64 { return min(max(memory/8, 1<<20), 16<<20) }

// blockBytes is the memory of train rows that cannot be used where they lie: two
// blocks in reading, and one in the job's precision.
func (s *productScorer) blockBytes(p Precision) int64 {
	block, most := int64(16<<20), int64(0)
	if s.memory > 0 {
		block = BlockBytes(s.memory)
	}
	for _, t := range s.terms {
		for _, f := range t.factors {
			per := 2 * block
			if d := f.train.Dtype(); d == dataset.Float64 && p == Float32 || d != dataset.Float64 && p == Float64 {
				per += block / d.Bytes() * p.Bytes()
			}
			most = max(most, per)
		}
	}
	return most
}

// Score implements Scorer.
func (s *productScorer) Score(ctx context.Context, j Job, sink Sink) error {
	l, err := s.Layout(j)
	if err != nil {
		return err
	}
	if err := sink.Begin(ctx, l); err != nil {
		return err
	}
	if l.Precision == Float64 {
		return scoreProducts[float64](ctx, s, j, l, sink)
	}
	return scoreProducts[float32](ctx, s, j, l, sink)
}

// chunkRows is how many train rows meet all terms before the next do.
func chunkRows(entries int64) int64 {
	const scores = 1 << 20
	return min(max(64, scores/max(1, entries)), UnitRows)
}

// overflow says that the score of finite vectors is not finite.
func overflow(entry, row int64, p Precision) error {
	hint := ""
	if p == Float32 {
		hint = "; use float64"
	}
	return fmt.Errorf("the score of query entry %d on train row %d is beyond %v%s", entry, row, p, hint)
}

// safeNorm reports whether the sum of squares in float32 is far from its ends.
func safeNorm(s float64) bool { return s > 1e-30 && s < math.MaxFloat32/4 }
