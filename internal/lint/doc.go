// Package lint holds the house rules as tests: which package may import which,
// what is documented, how long files are, who may print, and whether the shell
// blocks of the documents run. It has no code of its own.
package lint
