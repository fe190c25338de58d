package influencetest

import (
	"context"
	"errors"

	"github.com/infl-dev/infl/influence"
)

// Collect scores a job into the suite's strict sink and returns its verdict.
func Collect(ctx context.Context, s influence.Scorer, j influence.Job) error {
	c := new(collector)
	return errors.Join(s.Score(ctx, j, c), c.check())
}
