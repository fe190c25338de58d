// Command rates runs one kernel each time that a line on its standard input asks
// for it, and answers with a line, so that a script can interleave ours with
// other programs' and with probes of the machine:
//
//	gemm float32 NT 410 409 411    the seconds of C += A·Bᵀ of 410 × 409 and k = 411
//	syrk float64 5000 300          the seconds of C += Xᵀ·X of 5000 rows of 300
//	peak float32                   operations per second of fused multiply-adds
//
// The matrices of a line are made before its clock starts and kept for the next
// line that is the same. INFL_CPU and GOMAXPROCS choose the path and the workers.
package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

func main() {
	var last string
	var run func() float64
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if line := lines.Text(); line != last {
			var err error
			if run, err = prepare(line); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(2)
			}
			last = line
			run() // warm
		}
		fmt.Println(run())
	}
}

// prepare returns what a line asks for.
func prepare(line string) (func() float64, error) {
	var what, typ string
	if _, err := fmt.Sscan(line, &what, &typ); err != nil {
		return nil, fmt.Errorf("%q: %w", line, err)
	}
	switch typ {
	case "float32":
		return prepareOf[float32](line, what)
	case "float64":
		return prepareOf[float64](line, what)
	}
	return nil, fmt.Errorf("%q: the numbers are float32 or float64", line)
}

func prepareOf[F kernel.Float](line, what string) (func() float64, error) {
	workers := parallel.Workers(0)
	var skip, form string
	var m, n, k int
	switch what {
	case "peak":
		return func() float64 { return kernel.FMAPeak[F](workers) }, nil
	case "syrk":
		if _, err := fmt.Sscan(line, &skip, &skip, &m, &n); err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
		x, c := numbers[F](m, n), kernel.NewMatrix[float64](n, n)
		return timed(func() { kernel.Syrk(workers, x, c) }), nil
	case "gemm":
		if _, err := fmt.Sscan(line, &skip, &skip, &form, &m, &n, &k); err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
		c := kernel.NewMatrix[F](m, n)
		switch form {
		case "NN":
			a, b := numbers[F](m, k), numbers[F](k, n)
			return timed(func() { kernel.GemmNN(workers, a, b, c) }), nil
		case "NT":
			a, b := numbers[F](m, k), numbers[F](n, k)
			return timed(func() { kernel.GemmNT(workers, a, b, c) }), nil
		case "TN":
			a, b := numbers[F](k, m), numbers[F](k, n)
			return timed(func() { kernel.GemmTN(workers, a, b, c) }), nil
		}
	}
	return nil, fmt.Errorf("%q: not a line that rates knows", line)
}

func timed(f func()) func() float64 {
	return func() float64 {
		begin := time.Now()
		f()
		return time.Since(begin).Seconds()
	}
}

func numbers[F kernel.Float](rows, cols int) kernel.Matrix[F] {
	rng := rand.New(rand.NewPCG(uint64(rows), uint64(cols)))
	m := kernel.NewMatrix[F](rows, cols)
	for i := range m.Data {
		m.Data[i] = F(rng.Float64() - 0.5)
	}
	return m
}
