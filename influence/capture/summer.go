package capture

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

// sumContents lists the sums of level factors.
func (m *Manifest) sumContents() (list []content) {
	if m.Basis != "" {
		for _, x := range m.Modules {
			list = append(list, content{name: "L/" + x.Name, dtype: "F64", shape: []int64{x.Out, x.Columns()}, float: true, sum: true})
		}
		return list
	}
	for _, g := range m.InputGroups {
		list = append(list, content{name: "A/" + g.Name, dtype: "F64", shape: []int64{g.Width + 1, g.Width + 1}, float: true, sum: true})
	}
	for _, x := range m.Modules {
		list = append(list, content{name: "S/" + x.Name, dtype: "F64", shape: []int64{x.Out, x.Out}, float: true, sum: true})
	}
	return list
}

// checkSums says what keeps the modules from having sums.
func (m *Manifest) checkSums() error {
	if m.Level != Factors {
		if m.Basis != "" {
			return fmt.Errorf("basis is for level %s; level is %q", Factors, m.Level)
		}
		return nil
	}
	const most = 1 << 24 // of inputs or outputs: products of two stay small
	for i, x := range m.Modules {
		switch {
		case x.Kind == Embedding:
			return fmt.Errorf("modules[%d] %q: an embedding has no covariances; leave it out of level %s", i, x.Name, Factors)
		case x.In > most || x.Out > most:
			return fmt.Errorf("modules[%d] %q: in is %d, out is %d; level %s goes to %d", i, x.Name, x.In, x.Out, Factors, most)
		}
	}
	for i, g := range m.InputGroups {
		if !slices.ContainsFunc(m.Modules, func(x Module) bool { return x.InputGroup == g.Name }) {
			return fmt.Errorf("input_groups[%d] %q: is that of no module", i, g.Name)
		}
	}
	return nil
}

// foldBytes is how many bytes of rows are summed at a time.
const foldBytes = 8 << 20

// A summer sums the outer products of rows for a [Writer] of level factors: float32 chains,
// or float64 for F64, over the rows of about foldBytes, and float64 above.
type summer struct {
	manifest *Manifest
	sums     map[string]kernel.Matrix[float64] // by tensor
	bytes    int64                             // of all of them
}

func newSummer(m *Manifest) *summer {
	s := &summer{manifest: m, sums: map[string]kernel.Matrix[float64]{}}
	for _, x := range m.sumContents() {
		d := int(x.shape[0])
		s.sums[x.name] = kernel.NewMatrix[float64](d, d)
		s.bytes += 8 * x.width()
	}
	return s
}

// add adds the rows that lie in buffers, as shards of level rows have them, and empties
// these.
func (s *summer) add(buffers map[string][]byte) {
	if s.manifest.Dtype == "F64" {
		addRows[float64](s, buffers)
	} else {
		addRows[float32](s, buffers)
	}
}

// finish adds what is left in buffers, and puts the bytes of the sums there, which begin at
// zero again.
func (s *summer) finish(buffers map[string][]byte) {
	s.add(buffers)
	for name, m := range s.sums {
		bytes := buffers[name][:0]
		for _, v := range m.Data {
			bytes = binary.LittleEndian.AppendUint64(bytes, math.Float64bits(v))
		}
		buffers[name] = bytes
		clear(m.Data)
	}
}

func addRows[F kernel.Float](s *summer, buffers map[string][]byte) {
	workers := parallel.Workers(0)
	take := func(tensor string, cols int64) kernel.Matrix[F] {
		numbers := decoded[F](buffers[tensor], dtypes[s.manifest.Dtype])
		buffers[tensor] = buffers[tensor][:0]
		return kernel.MatrixOf(numbers, len(numbers)/int(cols), int(cols))
	}
	for _, g := range s.manifest.InputGroups {
		var rows kernel.Matrix[F]
		if g.Layout == NCHWLayout {
			conv := s.manifest.convOf(g.Name)
			images := take("a/"+g.Name, conv.InShape[0]*conv.InShape[1]*conv.InShape[2])
			block := sideOf(images, images.Data)
			rows = unfold(&block, dtypeOf[F](), conv, true, new([]F))
		} else {
			rows = withOnes(take("a/"+g.Name, g.Width))
		}
		kernel.Syrk(workers, rows, s.sums["A/"+g.Name])
	}
	for _, x := range s.manifest.Modules {
		kernel.Syrk(workers, take("g/"+x.Name, x.Out), s.sums["S/"+x.Name])
	}
}

// withOnes returns the rows of a matrix, each with a further 1.
func withOnes[F kernel.Float](m kernel.Matrix[F]) kernel.Matrix[F] {
	out := kernel.NewMatrix[F](m.Rows, m.Cols+1)
	for r := range m.Rows {
		copy(out.Row(r), m.Row(r))
		out.Row(r)[m.Cols] = 1
	}
	return out
}

// dtypeOf returns the dtype of F.
func dtypeOf[F kernel.Float]() dataset.Dtype {
	if _, double := any(F(0)).(float64); double {
		return dataset.Float64
	}
	return dataset.Float32
}

// decoded returns numbers of a dtype, which F holds exactly.
func decoded[F kernel.Float](raw []byte, d dataset.Dtype) []F {
	order, size := binary.LittleEndian, int(d.Bytes())
	numbers, half := make([]F, len(raw)/size), make([]uint16, len(raw)/size)
	for i := range numbers {
		switch at := raw[i*size:]; d {
		case dataset.Float64:
			numbers[i] = F(math.Float64frombits(order.Uint64(at)))
		case dataset.Float32:
			numbers[i] = F(math.Float32frombits(order.Uint32(at)))
		default:
			half[i] = order.Uint16(at)
		}
	}
	switch d {
	case dataset.Float16:
		widen[F, kernel.Float16](numbers, half)
	case dataset.BFloat16:
		widen[F, kernel.BFloat16](numbers, half)
	}
	return numbers
}

// forget takes the rows of an example back that is not finite: sums are without it.
func (w *Writer) forget(b *Batch, i int) {
	for k := range w.contents {
		x := &w.contents[k]
		if x.float {
			first, end := b.rows(w.manifest.RowSets, x.rowSet, i, i+1)
			buffer := w.buffers[x.name]
			w.buffers[x.name] = buffer[:int64(len(buffer))-(end-first)*x.width()*itemBytes(x.dtype)]
		}
	}
}
