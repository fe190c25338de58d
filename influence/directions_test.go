package influence_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
)

// TestDirectionsGiveTheScores: inner products of train gradients with the directions of
// queries are the scores, whichever queries are asked for.
func TestDirectionsGiveTheScores(t *testing.T) {
	const n, q = 40, 6
	layers := [2][2]table{{randomTable(1, n, 5), randomTable(3, q, 5)}, {randomTable(2, n, 3), randomTable(4, q, 3)}}
	c := influence.Checkpoint{Rate: 1}
	for _, l := range layers {
		c.Train, c.Query = append(c.Train, l[0].in(t, dataset.Float64)), append(c.Query, l[1].in(t, dataset.Float64))
	}
	s, err := influence.Exact(c, influence.CurvatureOptions{Damping: influence.Damping{Heuristic: true}})
	require.NoError(t, err)
	j := influence.Job{Train: influence.RowRange(0, n), Query: influence.RowRange(0, q), Precision: influence.Float64}
	scored := newScores(t, s, j)
	require.NoError(t, s.Score(t.Context(), j, scored))

	area := influence.Range{Lo: 2, Hi: 5}
	blocks, err := influence.Directions(t.Context(), s, area)
	require.NoError(t, err)
	for at := range int(area.Len()) {
		for i := range n {
			sum := 0.0
			for l, direction := range blocks {
				for k, v := range direction.Row(at) {
					sum += v * layers[l][0].rows[i][k]
				}
			}
			require.InDelta(t, scored.got[int(area.Lo)+at][i], sum, 1e-10)
		}
	}
}

// TestDirectionsRefuse: a cosine depends on the norm of the train row, and checkpoints
// have different weights.
func TestDirectionsRefuse(t *testing.T) {
	train, query := randomTable(1, 9, 5).in(t, dataset.Float64), randomTable(2, 4, 5).in(t, dataset.Float64)
	cosine, err := influence.Cosine(train, query, influence.ProductOptions{})
	require.NoError(t, err)
	c := influence.Checkpoint{Train: []influence.Vectors{train}, Query: []influence.Vectors{query}, Rate: 1}
	traced, err := influence.TracIn([]influence.Checkpoint{c, c}, false, influence.ProductOptions{})
	require.NoError(t, err)
	alone, err := influence.Dot(train, nil, influence.ProductOptions{})
	require.NoError(t, err)
	for _, s := range []influence.Scorer{cosine, traced, alone} {
		_, err := influence.Directions(t.Context(), s, influence.Range{Lo: 0, Hi: 1})
		require.ErrorAs(t, err, new(*influence.UnsupportedError))
	}
}
