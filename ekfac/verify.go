package ekfac

import (
	"context"
	"fmt"
	"math"

	"github.com/zeebo/xxh3"

	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

// A Check is what was found of the factors of a module.
type Check struct {
	Module   string
	Problems []string // one sentence for each thing that is wrong

	// Asymmetry is the largest |C − Cᵀ| of its covariances, Residual the largest
	// ‖C·Q − Q·λ‖/‖C‖ and Orthogonality the largest |QᵀQ − I| of its bases; 0 where there
	// are none.
	Asymmetry, Residual, Orthogonality float64

	// DampingShare is the share of the eigenvalues of the curvature that are below a tenth
	// of their mean, the damping by which directions are told from noise: there the inverse
	// is one of the damping.
	DampingShare float64

	// EffectiveRank is (Σλ)²/Σλ² of the eigenvalues of the curvature.
	EffectiveRank float64
}

// exactness is how far numbers of float64 may be off, in units of the largest.
const exactness = 1e-9

// singleExactness is that of numbers of float32, or fewer bits.
const singleExactness = 1e-5

// Verify recomputes what can be wrong with factors: checksums, symmetry, eigenbases,
// eigenvalues. Numbers that are not finite are a problem, not an error. Cost: 4·d³
// operations for each factor.
func (f *Factors) Verify(ctx context.Context, workers int) ([]Check, error) {
	var list []Check
	for i := range f.head.Modules {
		m := &f.head.Modules[i]
		c := &Check{Module: m.Name}
		if f.head.Method != Diagonal {
			for _, x := range []factor{inputFactor(m), outputFactor(m)} {
				if err := ctx.Err(); err != nil {
					return nil, err
				}
				if err := f.verifyFactor(c, &x, parallel.Workers(workers)); err != nil {
					return nil, err
				}
			}
		}
		curvature, err := f.Curvature(ctx, m.Name, f.head.Method, Exact)
		if err != nil {
			c.problem("%v", err)
		} else {
			c.DampingShare, c.EffectiveRank = spectrum(curvature.Eigenvalues.Data)
			if c.EffectiveRank == 0 {
				c.problem("all eigenvalues of the curvature are 0")
			}
		}
		list = append(list, *c)
	}
	return list, f.verifySums(ctx, list)
}

func (c *Check) problem(format string, args ...any) {
	c.Problems = append(c.Problems, fmt.Sprintf(format, args...))
}

// spectrum returns the share of eigenvalues below a tenth of their mean, and (Σλ)²/Σλ².
func spectrum(values []float64) (below, rank float64) {
	var sum, squares float64
	for _, v := range values {
		sum += v
		squares += float64(v * v)
	}
	if squares == 0 {
		return 1, 0
	}
	damping, n := sum/float64(10*len(values)), 0
	for _, v := range values {
		if v < damping {
			n++
		}
	}
	return float64(n) / float64(len(values)), sum * sum / squares
}

// verifyFactor checks a covariance and its eigenbasis.
func (f *Factors) verifyFactor(c *Check, x *factor, workers int) error {
	covariance, err := f.tensors.matrix(x.covariance, x.key)
	if err != nil {
		return err
	}
	values, err := f.tensors.matrix(x.values, x.key)
	if err != nil {
		return err
	}
	q, err := f.tensors.matrix(x.vectors, x.key)
	if err != nil {
		return err
	}
	size := 0.0
	for _, m := range []kernel.Matrix[float64]{covariance, values, q} {
		for _, v := range m.Data {
			if v-v != 0 {
				c.problem("%s or its eigenbasis holds %v", x.covariance, v)
				return nil
			}
		}
	}
	tolerance := f.tolerance
	if tolerance == 0 {
		tolerance = exactness
	}
	asymmetry := 0.0
	for i := range covariance.Rows {
		for j := range i {
			asymmetry = max(asymmetry, math.Abs(covariance.At(i, j)-covariance.At(j, i)))
		}
		size = max(size, math.Abs(covariance.At(i, i)))
	}
	c.Asymmetry = max(c.Asymmetry, asymmetry)
	if asymmetry > tolerance*size {
		c.problem("%s is not symmetric: entries differ by %.2g", x.covariance, asymmetry)
	}
	residual, orthogonality := residuals(workers, covariance, values.Data, q, 1/float64(max(1, x.module.Rows)))
	c.Residual, c.Orthogonality = max(c.Residual, residual), max(c.Orthogonality, orthogonality)
	if residual > tolerance {
		c.problem("%s are not eigenvectors of %s: the residual is %.2g", x.vectors, x.covariance, residual)
	}
	if orthogonality > tolerance {
		c.problem("%s are not orthogonal: QᵀQ is off by %.2g", x.vectors, orthogonality)
	}
	return nil
}

// residuals returns ‖s·C·Q − Q·λ‖/‖s·C‖ and the largest |QᵀQ − I|.
func residuals(workers int, c kernel.Matrix[float64], values []float64, q kernel.Matrix[float64], s float64) (residual, orthogonality float64) {
	product := kernel.NewMatrix[float64](c.Rows, c.Cols)
	kernel.GemmNN(workers, c, q, product)
	var apart, size float64
	for i := range product.Rows {
		row, vectors := product.Row(i), q.Row(i)
		for j, v := range row {
			d := float64(s*v) - float64(vectors[j]*values[j])
			apart += float64(d * d)
			size += float64(s * c.At(i, j) * s * c.At(i, j))
		}
	}
	if apart > 0 {
		residual = math.Sqrt(apart / size)
	}
	clear(product.Data)
	kernel.GemmTN(workers, q, q, product)
	for i := range product.Rows {
		for j, v := range product.Row(i) {
			if i == j {
				v--
			}
			orthogonality = max(orthogonality, math.Abs(v))
		}
	}
	return residual, orthogonality
}

// verifySums compares matrices with their checksums, as far as there are some.
func (f *Factors) verifySums(ctx context.Context, list []Check) error {
	files, tensors := layoutOf(&f.head)
	for _, file := range files {
		for _, x := range tensors[file] {
			want := f.head.Sums[file][x.Name]
			if want == "" || x.Dtype != "F64" {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			m, err := f.tensors.matrix(file, x.Name)
			if err != nil {
				return err
			}
			got := digest(m)
			for i := range list {
				if list[i].Module == x.Name && got != want {
					list[i].problem("%s has the XXH3 %s, %s says %s", file, got, headName, want)
				}
			}
		}
	}
	return nil
}

// digest is the XXH3-64 of the bytes of a matrix.
func digest(m kernel.Matrix[float64]) string {
	h := xxh3.New()
	_ = writeNumbers(h, m.Data) // A hash takes all that it is given.
	return fmt.Sprintf("%016x", h.Sum64())
}
