// Package retrain finds out what a model would be without some of its train rows, or
// with other labels, by training it again.
//
// # What
//
// A [Trainer] fits a model to changed train data and answers with the losses of the
// queries: [BuiltIn] trains a model of influence/model, [Command] runs any program. An
// [Experiment] trains as often as a question needs: on subsets, without each row, without
// the rows that help a query most. A [Journal] keeps each answer, so that a killed
// experiment continues.
//
// # Flow
//
//	Change ─▶ Journal ─▶ Trainer ─▶ Answer ─▶ Experiment ─▶ losses for influence/evaluate
//
// # Shapes
//
// n train rows are numbered from 0 in the order of their table, q queries likewise.
//
// # Noise
//
// Training draws random numbers. Its seed is a part of the change: the same change
// gives the same answer, and repeats differ in the seed only.
//
// # Not here
//
// What the losses say about scores is in influence/evaluate.
package retrain
