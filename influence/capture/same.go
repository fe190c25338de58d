package capture

import (
	"cmp"
	"slices"
)

// SameModel reports as a [*dataset.Error] what keeps two captures from being
// compared: another fingerprint, checkpoint, level or loss reduction, or other
// modules. A fingerprint that only one of them has is a difference too; where
// neither has one, checkpoint and modules decide.
func SameModel(train, query *Capture) error {
	a, b := &train.manifest, &query.manifest
	switch {
	case a.Model.Fingerprint != b.Model.Fingerprint:
		return problem(query.dir, "comes from a model with the fingerprint %s, %s from one with %s",
			fingerprint(b), train.dir, fingerprint(a))
	case a.Checkpoint.ID != b.Checkpoint.ID || a.Checkpoint.Step != b.Checkpoint.Step:
		return problem(query.dir, "comes from the checkpoint %s (step %d, model %s), %s from %s (step %d, model %s)",
			named(b.Checkpoint.ID), b.Checkpoint.Step, fingerprint(b), train.dir, named(a.Checkpoint.ID), a.Checkpoint.Step, fingerprint(a))
	}
	return sameModules(train, query)
}

func fingerprint(m *Manifest) string { return named(m.Model.Fingerprint) }

func named(s string) string { return cmp.Or(s, "(none)") }

// sameModules compares module tables, and levels: those with rows give the same vectors, and
// what is not projected can be.
func sameModules(first, second *Capture) error {
	a, b := &first.manifest, &second.manifest
	if a.Level != b.Level && !(a.HasRows() && b.HasRows()) && a.Level != Projected && b.Level != Projected {
		return problem(second.dir, "has the level %s, %s %s", b.Level, first.dir, a.Level)
	}
	for i := range min(len(a.Modules), len(b.Modules)) {
		x, y := &a.Modules[i], &b.Modules[i]
		if x.Name != y.Name {
			return problem(second.dir, "has %q as module %d, %s has %q", y.Name, i, first.dir, x.Name)
		}
		if x.Kind != y.Kind || x.In != y.In || x.Out != y.Out || x.Bias != y.Bias || x.WeightLayout != y.WeightLayout {
			return problem(second.dir, "module %q is %s, in %s %s", y.Name, y, first.dir, x)
		}
	}
	if len(a.Modules) != len(b.Modules) {
		return problem(second.dir, "has %d modules, %s %d", len(b.Modules), first.dir, len(a.Modules))
	}
	return nil
}

// sameKeys compares the keys of one side at two checkpoints.
func sameKeys(first, second *Capture) error {
	switch {
	case first == nil && second == nil:
		return nil
	case first == nil || second == nil:
		there := cmp.Or(first, second)
		return problem(there.dir, "has no counterpart at another checkpoint")
	case !slices.Equal(first.ids, second.ids):
		return problem(second.dir, "has other keys, or in another order, than %s", first.dir)
	}
	return nil
}
