// Package bench holds benchmarks of whole jobs over generated models and
// tables. INFL_BENCH chooses their size: smoke (the default) ends within
// seconds, full is the size that the targets are stated for. Results of full
// runs are kept as dated files in bench/results.
//
//	INFL_BENCH=full go test ./bench -run '^$' -bench . -benchtime 5x
package bench
