// Package gbdt explains boosted trees by the rows that they were fitted to.
//
// # What
//
// A [Forest] is a model as its file states it. [Prepare] meets it with its
// train table: it finds the leaf of every row in every tree, recomputes all
// leaf values, and proves, or disproves, that the table is the model's. The
// resulting [Model] makes scorers.
//
// # Flow
//
//	Forest + train table ─Prepare→ Model ─Queries→ Queries
//	Model + Queries ─BoostIn, LeafInfluence, LeafSim, …→ influence.Scorer
//
// # Shapes
//
// n train rows, q query rows, T iterations, K outputs, L leaves. Tree t·K + c
// adds to output c in iteration t. The leaf index holds n·T·K leaf numbers; the
// features are not kept.
//
// # Sign
//
// That of package influence. A removal of train row i takes its pull A on the
// leaves away, so the score for a loss is A·dL/dF and the score for a margin is
// −A.
//
// # Cost
//
// Prepare reads the table once and evaluates the loss n·T times, in 1 to 4
// bytes per row and tree. Methods that join on leaves cost n·T evaluations and
// one addition per pair that shares a leaf; LeafInfluence costs T sweeps over n
// adjoints per 32 queries.
//
// # Not here
//
// File formats are in packages below gbdt, such as gbdt/lightgbm; tables in
// influence/dataset; what becomes of scores in influence/sink.
package gbdt
