//go:build unix

// Command scan runs the kernels that scan train rows, one job at a time, so that
// compare.py can interleave them with other tools. It maps the float32 matrix of
// an .npy file; each line of its input names a job and how many queries it has,
// and is answered by the seconds that the job took.
//
//	scan MATRIX.npy < jobs
//
//	read 0       a plain read of the matrix
//	peak 0       a probe of arithmetic; the answer is operations per second
//	dots 4       scores of all rows with 4 queries, which are the first rows
//	float16 4    the same from rows stored as float16
//	bfloat16 4   … as bfloat16
//	int8 4       … as int8, the queries too
//	gemm 1000    scores block by block, for nobody
//	top 1000     the same, and the 100 highest of each query
//	totals 1000  the same, and the totals over the queries
//	int8gemm 1000
package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"github.com/infl-dev/infl/internal/kernel"
	"golang.org/x/sys/unix"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 {
		return errors.New("usage: scan MATRIX.npy < jobs")
	}
	train, err := mapMatrix(os.Args[1])
	if err != nil {
		return err
	}
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		name, count, _ := strings.Cut(in.Text(), " ")
		q, err := strconv.Atoi(count)
		if err != nil {
			return err
		}
		job, ok := jobs[name]
		if !ok {
			return fmt.Errorf("no job %q", name)
		}
		fmt.Println(job(train, q))
	}
	return in.Err()
}

// jobs return the seconds that they took, without what is done once for all
// repetitions.
var jobs = map[string]func(train kernel.Matrix[float32], q int) float64{
	"read": func(train kernel.Matrix[float32], _ int) float64 {
		data := unsafe.Slice((*byte)(unsafe.Pointer(&train.Data[0])), 4*len(train.Data))
		return float64(len(data)) / kernel.ReadRate(workers, data)
	},
	"peak": func(kernel.Matrix[float32], int) float64 { return kernel.FMAPeak[float32](workers) },
	"dots": func(train kernel.Matrix[float32], q int) float64 {
		out := kernel.NewMatrix[float32](train.Rows, q)
		return timed(func() { kernel.Dots(workers, train, first(train, q), out) })
	},
	"float16": func(train kernel.Matrix[float32], q int) float64 {
		stored := once("float16", func() kernel.HalfMatrix[kernel.Float16] { return kernel.NarrowRows(workers, train) })
		out := kernel.NewMatrix[float32](train.Rows, q)
		return timed(func() { kernel.HalfDots(workers, stored, first(train, q), out) })
	},
	"bfloat16": func(train kernel.Matrix[float32], q int) float64 {
		stored := once("bfloat16", func() kernel.HalfMatrix[kernel.BFloat16] {
			h := kernel.HalfMatrix[kernel.BFloat16]{Data: make([]kernel.BFloat16, len(train.Data)), Rows: train.Rows, Cols: train.Cols, Stride: train.Stride}
			kernel.Narrow(h.Data, train.Data, 1)
			return h
		})
		out := kernel.NewMatrix[float32](train.Rows, q)
		return timed(func() { kernel.HalfDots(workers, stored, first(train, q), out) })
	},
	"int8": func(train kernel.Matrix[float32], q int) float64 {
		stored := once("int8", func() kernel.Int8Matrix { return kernel.Quantize(workers, train) })
		queries, out := kernel.Quantize(workers, first(train, q)), kernel.NewMatrix[float32](train.Rows, q)
		return timed(func() { kernel.Int8Dots(workers, stored, queries, out) })
	},
	"gemm": func(train kernel.Matrix[float32], q int) float64 {
		queries := kernel.NewQueryRows(workers, first(train, q))
		return timed(func() { queries.EachBlock(workers, train, func(int, int, kernel.Matrix[float32]) {}) })
	},
	"top": func(train kernel.Matrix[float32], q int) float64 {
		return timed(func() {
			states := make([]*kernel.Ends[float32], workers)
			for w := range states {
				states[w] = kernel.NewEnds[float32](q, kernel.NewBest(100, kernel.AnyScore), kernel.NewBest(0, kernel.AnyScore))
			}
			kernel.NewQueryRows(workers, first(train, q)).EachBlock(workers, train, kernel.IntoEnds(states, 0))
			for _, s := range states[1:] {
				states[0].Merge(s)
			}
			for j := range q {
				states[0].High(j)
			}
		})
	},
	"totals": func(train kernel.Matrix[float32], q int) float64 {
		queries, totals := kernel.NewQueryRows(workers, first(train, q)), make([]kernel.Total, train.Rows)
		return timed(func() { queries.EachBlock(workers, train, kernel.IntoTotals[float32](totals)) })
	},
	"int8gemm": func(train kernel.Matrix[float32], q int) float64 {
		stored := once("int8", func() kernel.Int8Matrix { return kernel.Quantize(workers, train) })
		queries := kernel.NewInt8QueryRows(kernel.Quantize(workers, first(train, q)))
		return timed(func() { queries.EachBlock(workers, stored, func(int, int, kernel.Matrix[float32]) {}) })
	},
}

// first returns the first rows of a matrix.
func first(m kernel.Matrix[float32], rows int) kernel.Matrix[float32] {
	return m.Block(0, 0, rows, m.Cols)
}

// stored keeps what is made once, by name.
var stored = map[string]any{}

func once[T any](name string, make func() T) T {
	if _, ok := stored[name]; !ok {
		stored[name] = make()
	}
	return stored[name].(T)
}

var workers = runtime.GOMAXPROCS(0)

func timed(f func()) float64 {
	begin := time.Now()
	f()
	return time.Since(begin).Seconds()
}

// mapMatrix maps a float32 matrix in C order.
func mapMatrix(path string) (m kernel.Matrix[float32], err error) {
	f, err := os.Open(path)
	if err != nil {
		return m, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return m, err
	}
	data, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return m, err
	}
	header := string(data[10 : 10+int(data[8])+int(data[9])<<8])
	_, shape, _ := strings.Cut(header, "'shape': (")
	if _, err := fmt.Sscanf(shape, "%d, %d)", &m.Rows, &m.Cols); err != nil || !strings.Contains(header, "'<f4'") {
		return m, fmt.Errorf("%s is no float32 matrix", path)
	}
	m.Stride = m.Cols
	m.Data = unsafe.Slice((*float32)(unsafe.Pointer(&data[10+len(header)])), m.Rows*m.Cols)
	return m, nil
}
