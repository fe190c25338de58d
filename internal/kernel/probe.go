package kernel

import (
	"sync/atomic"
	"time"
)

//go:generate go -C _gen run . -family probe -out ../probe_amd64.s -stubs ../probe_stubs_amd64.go -pkg kernel

// probeFor is how long a probe of arithmetic runs: long enough for a clock, short
// enough to stand between repetitions.
const probeFor = 20 * time.Millisecond

// FMAPeak measures what the current path can do at most: operations per second
// of independent fused multiply-adds, of two operations each, on so many
// goroutines for about 20 ms. Take the largest of several measurements,
// interleaved with what is compared with it.
func FMAPeak[F Float](workers int) float64 {
	run, each := multiplyAdds[F]()
	const steps = 20_000
	var operations atomic.Int64
	workers = max(1, workers)
	begin := time.Now()
	forBlocks(workers, workers, func(_, _ int) {
		for time.Since(begin) < probeFor {
			run(steps)
			operations.Add(steps * int64(each) * 2)
		}
	})
	return float64(operations.Load()) / time.Since(begin).Seconds()
}

// readBlock is the part of the bytes that a goroutine reads at a time.
const readBlock = 1 << 20

// ReadRate measures a plain read: the bytes per second at which so many
// goroutines load all of data once, in registers of the current path. Where data
// are mapped from a file, so is the read.
func ReadRate(workers int, data []byte) float64 {
	var seen atomic.Uint64
	begin := time.Now()
	forBlocks(workers, ceilDiv(len(data), readBlock), func(_, b int) {
		seen.Add(read(data[b*readBlock : min(len(data), (b+1)*readBlock)]))
	})
	return float64(len(data)) / time.Since(begin).Seconds()
}
