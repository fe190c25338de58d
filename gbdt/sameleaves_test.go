package gbdt

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
)

// TestLeafAgreementByCounting compares all pairs tree by tree.
func TestLeafAgreementByCounting(t *testing.T) {
	for name, s := range specs() {
		if s.n > 100 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			p := newProblem(t, s)
			m, q := p.prepare(t, PrepareOptions{})
			got := dense(t, m.LeafAgreement(q), m, q, influence.Quantity{Kind: influence.Margin, Output: influence.Predicted}, false)
			for e := range got.Layout.Query {
				for i := range got.Layout.Train {
					same := 0
					for u := range p.forest.Trees {
						if p.leaf[u][i] == p.leaf[u][int64(s.n)+e] {
							same++
						}
					}
					require.Equal(t, float64(same), got.At(e, i), "query %d, train row %d", e, i)
				}
			}
		})
	}
}

// TestSameLeavesByComparing compares all pairs of rows of small forests, whose
// few trees put many rows into the same leaves, and of one with two blocks of
// rows.
func TestSameLeavesByComparing(t *testing.T) {
	for name, s := range specs() {
		if s.n <= 100 {
			s.trees = 2
		}
		t.Run(name, func(t *testing.T) {
			p := newProblem(t, s)
			at := make(map[string]int)
			var want [][]int64
			for i := range s.n {
				id := ""
				for u := range p.forest.Trees {
					id += string(rune(p.leaf[u][i])) + "|"
				}
				k, ok := at[id]
				if !ok {
					k = len(want)
					at[id] = k
					want = append(want, nil)
				}
				want[k] = append(want[k], int64(i))
			}
			several := want[:0]
			for _, set := range want {
				if len(set) > 1 {
					several = append(several, set)
				}
			}
			for _, workers := range []int{1, 3} {
				m, _ := p.prepare(t, PrepareOptions{Workers: workers})
				got, err := m.SameLeaves(t.Context())
				require.NoError(t, err)
				require.Equal(t, several, got)
			}
		})
	}
}
