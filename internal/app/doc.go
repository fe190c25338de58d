// Package app is where infl meets people: configuration, progress, tables,
// error lines, and the flows behind the commands. It alone prints, reads the
// environment and knows terminals.
//
// Each command of cmd/infl fills an options struct and calls one function
// here; each flow opens its inputs, prepares a model, plans, scores and prints.
package app
