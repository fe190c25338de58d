package kernel

// A Projector is a fixed linear map of vectors of some length to Size numbers: the
// rows of x (n × d) to the rows of out (n × Size).
type Projector interface {
	Size() int
	Project(workers int, x, out Matrix[float32])
}

// A MatrixProjector projects by the matrix that it holds, Size × d numbers.
type MatrixProjector struct{ P Matrix[float32] }

// Size is the number of rows of the matrix.
func (p MatrixProjector) Size() int { return p.P.Rows }

// Project computes out = x·Pᵀ, as [GemmNT] has it.
func (p MatrixProjector) Project(workers int, x, out Matrix[float32]) {
	for v := range out.Rows {
		clear(out.Row(v))
	}
	GemmNT(workers, x, p.P, out)
}

// ProjectOuter projects gradients of a layer from both sides without forming them.
// The gradient of example e is the sum of outer products of rows start[e] …
// start[e+1]−1 of g (n × o, gradients of what the layer gives) and of a (n × i, what
// the layer gets); row e of out becomes, row by row of a left.Size × right.Size matrix,
//
//	L·(Σ_t g_t·a_tᵀ)·Rᵀ = Σ_t (L·g_t)·(R·a_t)ᵀ
//
// L and R project first, so the cost is that of the two projections and of
// n·left.Size·right.Size multiply-adds; the sums and start are those of [OuterSums]. At
// most workers goroutines run, all ended on return; scratch memory is
// 4·n·(left.Size + right.Size) bytes and that of the projections.
func ProjectOuter(workers int, left, right Projector, g, a Matrix[float32], start []int, out Matrix[float32]) {
	out.check()
	if g.Rows != a.Rows || out.Cols != left.Size()*right.Size() {
		panic("kernel: gradients do not fit their projection")
	}
	lg, ra := NewMatrix[float32](g.Rows, left.Size()), NewMatrix[float32](a.Rows, right.Size())
	left.Project(workers, g, lg)
	right.Project(workers, a, ra)
	for e := range out.Rows {
		clear(out.Row(e))
	}
	OuterSums(workers, start, lg, ra, out)
}
