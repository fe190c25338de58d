// Package influencetest says in tests what a scorer promises.
//
// # What
//
// [Scorer] is a suite that any influence.Scorer can run. [Func] makes a scorer
// out of a function, for tests of what uses scorers.
//
// # Flow
//
// The suite calls a constructor for each property, scores small jobs into
// sinks in memory and compares.
//
// # Shapes
//
// Those of influence.Layout. All scores of a job are held at once.
//
// # Sign
//
// The suite asks that a description says what positive means, not what it is.
//
// # Cost
//
// Some twenty jobs over the whole tables that the constructor names: keep them
// to a few hundred rows.
//
// # Not here
//
// Whether scores are right is tested against definitions beside each method.
package influencetest
