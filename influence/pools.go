package influence

import (
	"errors"
	"fmt"
)

// Pools join the query rows of a job: a score is then about the sum of the
// quantity over the rows of a pool, and the query entries of the layout are the
// pools, each with the outputs asked about. For scores that are linear in the
// query's gradient that is the sum of the scores of single queries, at the cost of
// one.
type Pools struct {
	Of    []int32 // pool of each query position, from 0
	Count int     // number of pools
}

// validate lists everything that is wrong with the pools of a job.
func (p *Pools) validate(j Job) error {
	var errs []error
	if j.Self {
		errs = append(errs, errors.New("a self job has no queries to pool"))
	} else if int64(len(p.Of)) != j.Query.Len() {
		errs = append(errs, fmt.Errorf("%d query positions have pools, not %d", len(p.Of), j.Query.Len()))
	}
	if j.Of.Kind != Loss && j.Of.Output == Predicted {
		errs = append(errs, fmt.Errorf("the %s of each query's own predicted class does not add up over a pool; name an output", j.Of.Kind))
	}
	for i, pool := range p.Of {
		if pool < 0 || int(pool) >= p.Count {
			errs = append(errs, fmt.Errorf("query position %d is in pool %d of %d", i, pool, p.Count))
			break
		}
	}
	return errors.Join(errs...)
}
