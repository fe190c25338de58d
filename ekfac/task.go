package ekfac

import (
	"cmp"
	"slices"

	"github.com/infl-dev/infl/influence/capture"
)

// A task is summands that are taken one after the other, because they share something.
type task struct {
	cost     float64
	shared   bool // all workers take it together; else one does, beside others
	summands []summand
}

// tasks begins the jobs of a batch, the most expensive tasks first. A task that is a small
// part of all work is left to one worker, which spares it the others' meeting.
func (f *fit) tasks(b *batch) ([]task, error) {
	costs, all := map[string]float64{}, 0.0
	for _, j := range b.jobs {
		costs[j.task] += j.cost
		all += j.cost
	}
	var list []task
	at := map[string]int{}
	for _, j := range b.jobs {
		shared := costs[j.task]*float64(4*f.workers) > all
		workers := 1
		if shared {
			workers = f.workers
		}
		s, err := j.begin(b, workers)
		if err != nil {
			return nil, err
		}
		if _, there := at[j.task]; !there {
			at[j.task] = len(list)
			list = append(list, task{cost: costs[j.task], shared: shared})
		}
		list[at[j.task]].summands = append(list[at[j.task]].summands, s)
	}
	slices.SortStableFunc(list, func(a, b task) int { return cmp.Compare(b.cost, a.cost) })
	return list, nil
}

func (t *task) take(b *capture.Block) error {
	for _, s := range t.summands {
		if err := s.take(b); err != nil {
			return err
		}
	}
	return nil
}
