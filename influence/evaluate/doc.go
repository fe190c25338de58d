// Package evaluate says how good scores are, once it is known what really happens
// without rows.
//
// # What
//
// [LDS] compares scores with models trained on random subsets, [LeaveOneOut] with
// models trained without one row; [AUC], [AveragePrecision] and [Inspect] ask whether
// scores find rows that are known to be wrong, [Brittle] how few rows decide a
// prediction. [Spearman] and [Pearson] are what they are made of.
//
// # Flow
//
//	scores ────────────────┐
//	                       ├─▶ LDS, LeaveOneOut, … ─▶ numbers with their noise
//	retrain ─▶ losses ─────┘
//
// Functions are pure: nothing is read, trained or printed here. Package
// influence/retrain trains, and infl eval does both.
//
// # Shapes
//
// n train rows, q query rows, m subsets, r repeats. Scores of a query are n numbers in
// the order of the train rows; masks[j][i] says whether subset j has row i;
// losses[s][j][e] is the loss of query e after repeat s of training on subset j.
//
// # Sign
//
// A score > 0 means that the row helps: without it the query's loss would rise. So the
// loss after training on a subset is predicted, up to a constant, by minus the sum of
// the scores of its rows.
//
// # Special values
//
// A correlation where one side does not vary, or has fewer than two numbers, or a NaN,
// is not defined: it is NaN, means leave it out, and counts say how often.
//
// # Not here
//
// Quality of selected subsets is in package selection.
package evaluate
