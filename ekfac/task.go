package ekfac

import (
	"cmp"
	"slices"

	"github.com/infl-dev/infl/influence/capture"
)

// A task is summands that are taken one after the other, because they share something.
type task struct {
	name     string
	cost     float64
	shared   bool // all workers take it together; else one does, beside others
	summands []summand
}

// tasks begins the jobs of a batch, the most expensive tasks first. With an error come
// those that have begun.
func (f *fit) tasks(b *batch) ([]task, error) {
	var list []task
	for _, j := range b.jobs {
		i := slices.IndexFunc(list, func(t task) bool { return t.name == j.task })
		if i < 0 {
			i, list = len(list), append(list, task{name: j.task})
		}
		list[i].cost += j.cost
	}
	slices.SortStableFunc(list, func(a, b task) int { return cmp.Compare(b.cost, a.cost) })
	share(list, f.workers)
	for _, j := range b.jobs {
		t := &list[slices.IndexFunc(list, func(t task) bool { return t.name == j.task })]
		workers := 1
		if t.shared {
			workers = f.workers
		}
		s, err := j.begin(b, workers)
		if err != nil {
			return list, err
		}
		t.summands = append(t.summands, s)
		if j.tree.spilled() {
			if err := s.sums().spill(int(j.tree.inside), f.Tmp); err != nil {
				return list, err
			}
		}
	}
	return list, nil
}

// share has the first tasks, the most expensive ones, taken by all workers together: as
// many as it takes until the others keep all workers busy by themselves, which spares
// them their meetings.
func share(list []task, workers int) {
	const idle = 0.1 // share of the time that workers may wait for the last one
	for i := range list {
		busy, all := make([]float64, workers), 0.0
		for _, t := range list[i:] {
			*least(busy) += t.cost
			all += t.cost
		}
		if slices.Max(busy)*float64(workers) <= (1+idle)*all {
			return
		}
		list[i].shared = true
	}
}

// least returns the smallest number of a list.
func least(x []float64) *float64 {
	at := 0
	for i, v := range x {
		if v < x[at] {
			at = i
		}
	}
	return &x[at]
}

func (t *task) take(b *capture.Block) error {
	for _, s := range t.summands {
		if err := s.take(b); err != nil {
			return err
		}
	}
	return nil
}
