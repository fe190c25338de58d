package sink_test

import (
	"context"
	"fmt"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/influencetest"
	"github.com/infl-dev/infl/influence/sink"
)

func ExampleTop() {
	scorer := influencetest.Func{
		Train: 5, Query: 2,
		Score:       func(train, query int64, _ int) float64 { return float64(train - 2 - query) },
		Description: influence.Description{Signed: true},
	}.NewScorer()
	job := influence.Job{Train: influence.RowRange(0, 5), Query: influence.RowRange(0, 2)}
	top, err := sink.Top(context.Background(), scorer, job, 1)
	if err != nil {
		fmt.Println(err)
	}
	for _, e := range top {
		fmt.Printf("query %d, %s %d: train row %d, score %g\n", e.QueryRow, e.Side, e.Rank, e.TrainRow, e.Score)
	}
	// Output:
	// query 0, helpful 1: train row 4, score 2
	// query 0, harmful 1: train row 0, score -2
	// query 1, helpful 1: train row 4, score 1
	// query 1, harmful 1: train row 0, score -3
}
