// Package kernel holds the numbers: elementary functions with the same bits on
// every machine, and the inner loops of scoring. It knows no tables, models or
// sinks.
//
// Every function here is its own definition in plain Go. A product that feeds
// a sum is written float64(x*y) + z, because Go may otherwise fuse the two on
// some machines and round differently, or it is fused on purpose (fma). Vector
// forms of the same definitions give the same bits; the build tags noasm and
// purego leave them out.
//
// Functions of this package may panic where slices differ in length: their
// callers are our own loops.
package kernel
