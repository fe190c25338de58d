package influence

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"
	"unicode"

	"github.com/infl-dev/infl/internal/parallel"
)

// A Tokenizer cuts a text into tokens, in order.
type Tokenizer func(text string) iter.Seq[string]

// Words yields the maximal runs of letters, marks, digits and underscores of a text, in
// lower case: "It's 3 °C" has it, s, 3 and c. What is no UTF-8 parts words.
func Words(text string) iter.Seq[string] {
	parts := func(r rune) bool {
		return r != '_' && !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsNumber(r) || r == unicode.ReplacementChar
	}
	return func(yield func(string) bool) {
		for word := range strings.FieldsFuncSeq(text, parts) {
			if !yield(strings.ToLower(word)) {
				return
			}
		}
	}
}

// Blanks yields what stands between white space, as it is: for texts whose tokens have
// been made by somebody else.
func Blanks(text string) iter.Seq[string] { return strings.FieldsSeq(text) }

// A WordIndex knows how often each query has each of its words, and which of the
// queries' words each document has; what else a document says is not kept. It takes 4
// bytes for each word that a document shares with the queries, 8 for each document, and
// the queries' words. It must not be used from several goroutines while documents are
// added.
type WordIndex struct {
	tokenize Tokenizer
	numbers  map[string]uint32 // words by their number, which follows their order
	queries  [][]wordCount
	ends     []int64  // of each document in words
	words    []uint32 // of all documents, ascending in each
	df       []int64  // documents with each word
}

// A wordCount is how often a query has a word.
type wordCount struct {
	word  uint32
	count float64
}

// NewWordIndex returns an index of no documents for the given queries.
func NewWordIndex(queries []string, tokenize Tokenizer) *WordIndex {
	x := &WordIndex{tokenize: tokenize, numbers: map[string]uint32{}}
	counts := make([]map[string]float64, len(queries))
	var all []string
	for e, text := range queries {
		counts[e] = map[string]float64{}
		for word := range tokenize(text) {
			if _, known := x.numbers[word]; !known {
				word = strings.Clone(word)
				x.numbers[word] = 0
				all = append(all, word)
			}
			counts[e][word]++
		}
	}
	slices.Sort(all)
	for i, word := range all {
		x.numbers[word] = uint32(i)
	}
	x.df = make([]int64, len(all))
	for _, of := range counts {
		var q []wordCount
		for word, n := range of {
			q = append(q, wordCount{x.numbers[word], n})
		}
		slices.SortFunc(q, func(a, b wordCount) int { return cmp.Compare(a.word, b.word) })
		x.queries = append(x.queries, q)
	}
	return x
}

// textsPerBlock is how many documents a worker reads at a time.
const textsPerBlock = 256

// Add appends documents.
func (x *WordIndex) Add(ctx context.Context, workers int, texts []string) error {
	found := make([][]uint32, len(texts))
	blocks := (len(texts) + textsPerBlock - 1) / textsPerBlock
	err := parallel.For(ctx, workers, blocks, func(_, block int) error {
		for i := block * textsPerBlock; i < min((block+1)*textsPerBlock, len(texts)); i++ {
			for word := range x.tokenize(texts[i]) {
				if n, known := x.numbers[word]; known {
					found[i] = append(found[i], n)
				}
			}
			slices.Sort(found[i])
			found[i] = slices.Compact(found[i])
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, words := range found {
		for _, word := range words {
			x.df[word]++
		}
		x.words = append(x.words, words...)
		x.ends = append(x.ends, int64(len(x.words)))
	}
	return nil
}

// Documents returns the number of documents, C.
func (x *WordIndex) Documents() int64 { return int64(len(x.ends)) }

// Bytes returns about how much memory the documents take.
func (x *WordIndex) Bytes() int64 { return 4*int64(cap(x.words)) + 8*int64(cap(x.ends)) }

// document returns the words of a document.
func (x *WordIndex) document(row int64) []uint32 {
	first := int64(0)
	if row > 0 {
		first = x.ends[row-1]
	}
	return x.words[first:x.ends[row]]
}
