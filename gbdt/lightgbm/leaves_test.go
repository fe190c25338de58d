package lightgbm

import (
	"bufio"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/dmitryikh/leaves"
	"github.com/infl-dev/infl/gbdt"
	"github.com/stretchr/testify/require"
)

// margin sums the leaves of a row, node by node as the format's rules say.
func margin(f *gbdt.Forest, row []float64) []float64 {
	out := make([]float64, f.K)
	for i := range f.Trees {
		t := &f.Trees[i]
		at := int32(0)
		if t.Leaves() == 1 {
			at = -1
		}
		for at >= 0 {
			at = follow(t, at, row[t.Feature[at]])
		}
		out[i%f.K] += t.LeafValue[^at]
	}
	return out
}

func follow(t *gbdt.Tree, node int32, x float64) int32 {
	rule := t.Rules[node]
	left := false
	switch {
	case rule&gbdt.Categorical != 0:
		set := t.CatBits[t.CatBounds[t.CatSet[node]]:t.CatBounds[t.CatSet[node]+1]]
		if !math.IsNaN(x) && x >= 0 && int(x) < 32*len(set) {
			left = set[int(x)/32]>>(int(x)%32)&1 == 1
		}
	case math.IsNaN(x) && rule&(gbdt.NaNMissing|gbdt.ZeroMissing) != 0:
		left = rule&gbdt.DefaultLeft != 0
	case math.Abs(x) <= 1e-35 && rule&gbdt.ZeroMissing != 0:
		left = rule&gbdt.DefaultLeft != 0
	default:
		if math.IsNaN(x) {
			x = 0
		}
		left = x <= t.Threshold[node]
	}
	if left {
		return t.Left[node]
	}
	return t.Right[node]
}

// Another reader of the format gives the same raw predictions.
func TestPredictionsEqualThoseOfLeaves(t *testing.T) {
	for _, name := range []string{"golden_lgb335_bin_adult.txt", "kinds_v3.txt", "multiclass_v2.txt"} {
		t.Run(name, func(t *testing.T) {
			text := fixture(t, name)
			f := mustParse(t, text)
			peer, err := leaves.LGEnsembleFromReader(bufio.NewReader(strings.NewReader(text)), false)
			require.NoError(t, err)
			require.Equal(t, peer.NRawOutputGroups(), f.K)

			random := rand.New(rand.NewPCG(1, 2))
			row, want := make([]float64, len(f.Features)), make([]float64, f.K)
			seen := map[float64]bool{}
			for range 500 {
				for i, feature := range f.Features {
					switch {
					case random.IntN(10) == 0:
						row[i] = math.NaN()
					case feature.Categorical:
						row[i] = float64(random.IntN(20) - 1)
					case random.IntN(5) == 0:
						row[i] = 0
					default:
						row[i] = math.Trunc(math.Exp(8*random.Float64())) - 2
					}
				}
				require.NoError(t, peer.Predict(row, 0, want))
				got := margin(f, row)
				require.InDeltaSlice(t, want, got, 1e-12)
				seen[got[0]] = true
			}
			require.Greater(t, len(seen), 1, "the rows must reach different leaves")
		})
	}
}
