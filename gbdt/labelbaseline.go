package gbdt

import (
	"math"
	"slices"

	"github.com/infl-dev/infl/influence"
)

// Target returns a baseline that knows labels only: for classes a uniform
// number in (0, 1) where the labels agree and in (−1, 0) where not; for
// regressions 1/|y_i − y_q|, the largest finite score for equal labels. It
// needs the queries' labels and has no self-influence worth the name. A score
// depends on seed, train row and query row only.
//
// Source: Brophy, Hammoudeh, Lowd, JMLR 24 (2023), baseline Target; their
// regression adds noise that is the same for all train rows of a query.
func (m *Model) Target(queries *Queries, seed uint64) influence.Scorer {
	return &pairScorer{
		model: m, queries: queries,
		description: influence.Description{
			Method: "target", Source: "Brophy, Hammoudeh, Lowd, JMLR 24 (2023), baseline Target",
			PositiveMeans: "the labels agree, or are near", NegativeMeans: "the labels differ",
			Unit: "none", Approximate: []string{"a baseline, not an effect"}, Signed: m.loss.Classifier(),
		},
		row: func(train, query int64, _ int) float64 {
			yi, yq := m.train.y[train], math.NaN()
			if query < 0 {
				yq = yi
			} else if queries.rows.y != nil {
				yq = queries.rows.y[query]
			}
			if !m.loss.Classifier() {
				if d := math.Abs(yi - yq); d > 0 {
					return min(1/d, math.MaxFloat32)
				}
				return math.MaxFloat32
			}
			u := chance(seed, train, query)
			if m.loss.Agree(yi, yq) {
				return u
			}
			return u - 1
		},
	}
}

// Minority returns a baseline that puts rare labels first: for classes a
// uniform number in (−c, 1−c) for the class with c rarer ones; for regressions
// |y_i − median|. It is the same for every query.
//
// Source: Brophy, Hammoudeh, Lowd, JMLR 24 (2023), baseline Minority; their
// regression adds one number to all rows.
func (m *Model) Minority(queries *Queries, seed uint64) influence.Scorer {
	return &pairScorer{
		model: m, queries: queries,
		description: influence.Description{
			Method: "minority", Source: "Brophy, Hammoudeh, Lowd, JMLR 24 (2023), baseline Minority",
			PositiveMeans: "the label of the train row is the rarest, or far from the median", NegativeMeans: "its label is common",
			Unit: "none", Approximate: []string{"a baseline, not an effect"},
		},
		row: m.minority(seed),
	}
}

func (m *Model) minority(seed uint64) func(train, query int64, entry int) float64 {
	if !m.loss.Classifier() {
		sorted := slices.Sorted(slices.Values(m.train.y))
		n := len(sorted)
		median := (sorted[(n-1)/2] + sorted[n/2]) / 2
		return func(train, _ int64, _ int) float64 { return math.Abs(m.train.y[train] - median) }
	}
	rank := m.rarity()
	return func(train, _ int64, _ int) float64 {
		return chance(seed, train, 0) - float64(rank[m.class(m.train.y[train])])
	}
}

// class returns the number of the class that a label belongs to.
func (m *Model) class(y float64) int {
	if m.k > 1 {
		return int(y)
	}
	if m.loss.Agree(y, 1) {
		return 1
	}
	return 0
}

// rarity returns for each class how many classes are rarer; the lower number
// first where they are equally rare.
func (m *Model) rarity() []int {
	count := make([]int, max(m.k, 2))
	for _, y := range m.train.y {
		count[m.class(y)]++
	}
	order := make([]int, len(count))
	for c := range order {
		order[c] = c
	}
	slices.SortStableFunc(order, func(a, b int) int { return count[a] - count[b] })
	rank := make([]int, len(count))
	for r, c := range order {
		rank[c] = r
	}
	return rank
}

// chance draws a uniform number in (0, 1) for a pair of rows.
func chance(seed uint64, train, query int64) float64 {
	return (uniform(mix(mix(mix(seed^0x632be59bd9b4e019)+uint64(train))+uint64(query)*31)) + 1) / 2
}
