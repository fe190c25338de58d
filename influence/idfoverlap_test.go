package influence_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/influencetest"
	"github.com/infl-dev/infl/influence/sink"
)

// texts returns random texts: few words that are common, many that are rare.
func texts(n int, seed uint64) []string {
	random := rand.New(rand.NewPCG(seed, 1))
	out := make([]string, n)
	for i := range out {
		var words []string
		for range random.IntN(30) {
			words = append(words, fmt.Sprintf("w%d", int(math.Exp(6*random.Float64()))))
		}
		out[i] = strings.Join(words, " ")
	}
	return out
}

func overlap(t *testing.T, train, query []string, tokens influence.Tokenizer, workers int) influence.Scorer {
	x := influence.NewWordIndex(query, tokens)
	for part := range slices.Chunk(train, 40) {
		require.NoError(t, x.Add(t.Context(), workers, part))
	}
	return influence.IDFOverlap(x, workers)
}

// TestIDFOverlapByItsDefinition counts words by force.
func TestIDFOverlapByItsDefinition(t *testing.T) {
	train, query := texts(90, 1), texts(12, 2)
	query[3], train[5], train[6] = "", "", query[7]
	j := influence.Job{Train: influence.RowRange(0, 90), Query: influence.RowRange(0, 12), Precision: influence.Float64}
	got, err := sink.Dense(t.Context(), overlap(t, train, query, influence.Blanks, 2), j)
	require.NoError(t, err)
	for q, text := range query {
		for i, document := range train {
			want := 0.0
			for _, w := range strings.Fields(text) { // each time that it stands there
				if !slices.Contains(strings.Fields(document), w) {
					continue
				}
				df := 0.0
				for _, other := range train {
					if slices.Contains(strings.Fields(other), w) {
						df++
					}
				}
				want += math.Log((90-df+0.5)/(df+0.5) + 1)
			}
			require.InDelta(t, want, got.At(int64(q), int64(i)), 1e-11*(1+want), "query %d, document %d", q, i)
		}
	}
}

func TestIDFOverlapIsAScorer(t *testing.T) {
	train, query := texts(150, 3), texts(9, 4)
	workers := 0
	create := func() (influence.Scorer, int64, int64) {
		workers = workers%3 + 1
		return overlap(t, train, query, influence.Words, workers), 150, 9
	}
	influencetest.Scorer(t, create, influencetest.Options{Tolerance: 1e-6, NoSelf: true})
}

func TestWords(t *testing.T) {
	for text, want := range map[string][]string{
		"It's 3 °C, or 37_F!":   {"it", "s", "3", "c", "or", "37_f"},
		"ÄRGER über Straße":     {"ärger", "über", "straße"},
		"cafe\u0301 日本語 हिन्दी": {"cafe\u0301", "日本語", "हिन्दी"},
		"a\xffb": {"a", "b"},
		" \t\n":  nil,
	} {
		require.Equal(t, want, slices.Collect(influence.Words(text)), "%q", text)
	}
	require.Equal(t, []string{"A's", "b,"}, slices.Collect(influence.Blanks(" A's\tb, ")))
}
