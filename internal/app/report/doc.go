// Package report writes what is known of runs as one page for people: HTML
// that needs nothing else, Markdown, or JSON.
//
// Its functions are pure: the same [Report] gives the same bytes. They read no
// file, no clock and no environment.
package report
