package ekfac

import (
	"context"
	"fmt"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/capture"
)

// PlanFit says what [Fit] of a capture takes, from sizes only and as if nothing of it were
// done: how often rows are read, and why more than once; the memory of the sums that are in
// work at a time, and of the largest eigenbasis; what waits in temporary files. Seconds are
// a guess. Errors are those of options and of sums that no limit of memory is small enough
// for.
func PlanFit(ctx context.Context, c *capture.Capture, o FitOptions) (influence.Plan, error) {
	var p influence.Plan
	f, err := newFit(ctx, c, o)
	if err != nil {
		return p, err
	}
	f.to = &memoryTensors{}
	train := influence.Pass{Input: "train"}
	if f.Basis == nil && f.Method != Diagonal {
		if c.Manifest().Level != capture.Factors { // which has the sums
			if err := f.planStage(&p, &train, "covariances", covarianceJobs[float64](f)); err != nil {
				return p, err
			}
		}
		f.planEigenbases(&p)
	}
	if f.Method != KFAC {
		if err := f.planStage(&p, &train, "corrected eigenvalues", correctionJobs[float64](f)); err != nil {
			return p, err
		}
	}
	p.Passes = []influence.Pass{train}
	_, files := layoutOf(&f.head)
	for _, tensors := range files {
		for _, t := range tensors {
			p.OutputBytes += t.Bytes
		}
	}
	return p, nil
}

// planStage adds the passes of a stage.
func (f *fit) planStage(p *influence.Plan, train *influence.Pass, stage string, jobs []job) error {
	batches, err := f.batches(jobs)
	if err != nil {
		return err
	}
	numberBytes := map[string]int64{"F64": 8, "F32": 4}[f.capture.Manifest().Dtype]
	if numberBytes == 0 {
		numberBytes = 2
	}
	for _, b := range batches {
		train.Times++
		train.Bytes += f.last * f.numbersEach(b.modules()) * numberBytes
		p.MemoryBytes = max(p.MemoryBytes, b.bytes)
		file := int64(0)
		for _, j := range b.jobs {
			p.Units++
			p.Operations += j.cost
			p.Seconds += j.cost * 3e-11 / float64(f.workers)
			if j.tree.spilled() {
				file += j.tree.fileBytes()
				p.Warnings = append(p.Warnings, fmt.Sprintf("%s of module %q does not fit into memory: sums of its rows wait in a temporary file", j.file, j.module.Name))
			}
		}
		p.ScratchBytes = max(p.ScratchBytes, file)
	}
	if n := len(batches); n > 1 {
		p.Warnings = append(p.Warnings, fmt.Sprintf("%s take %d passes over the rows of their modules, because they do not fit into memory beside each other", stage, n))
	}
	return nil
}

// planEigenbases adds the eigenbases: of each that is in work the covariance, the vectors,
// and about three matrices beside them.
func (f *fit) planEigenbases(p *influence.Plan) {
	for _, x := range factorsOf(f.head.Modules) {
		d, atOnce := int64(x.size), int64(1)
		if x.size < sharedSize {
			atOnce = int64(f.workers)
		}
		p.Units++
		p.MemoryBytes = max(p.MemoryBytes, atOnce*5*8*d*d)
		p.Operations += float64(9 * d * d * d)
		p.Seconds += float64(9*d*d*d) * 1e-10 / float64(f.workers)
	}
}
