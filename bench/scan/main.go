//go:build unix

// Command scan runs the kernels that scan train rows, one job at a time, so that
// compare.py can interleave them with other tools. It maps the float32 matrix of
// an .npy file; each line of its input names a job and how many queries it has,
// and is answered by the seconds that the job took.
//
//	scan MATRIX.npy < jobs
//
//	read 0      a plain read of the matrix
//	peak 0      a probe of arithmetic; the answer is operations per second
//	dots 4      scores of all rows with 4 queries
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
		queries, out := train.Block(0, 0, q, train.Cols), kernel.NewMatrix[float32](train.Rows, q)
		return timed(func() { kernel.Dots(workers, train, queries, out) })
	},
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
