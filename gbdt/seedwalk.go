package gbdt

// A seedWalk computes the coefficients B of rows: the seed of the job's
// quantity in each tree. It serves query rows, and train rows that ask for
// themselves.
type seedWalk struct {
	model  *Model
	rows   *rowBlock
	seeder seeder
	when   seeding
	final  [][]float64 // margins at the end of training of all rows run so far, by offset
	class  []int32
	out    [][]float64
	work   [][]float64
}

func newSeedWalk(m *Model, rows *rowSet, s seeder, when seeding) *seedWalk {
	w := &seedWalk{model: m, rows: m.newRowBlock(rows, false), seeder: s, when: when, class: make([]int32, blockRows)}
	w.final, w.out, w.work = scratch(m.k), make([][]float64, m.k), scratch(m.k)
	for c := range w.out {
		w.out[c] = make([]float64, blockRows*s.perRow)
	}
	return w
}

// run writes the seeds of rows first … first+n−1 to seed[u][off·perRow …] and,
// where leaf is not nil, their leaves to leaf[u][off …]. Final seeds of a model
// without trees go to seed[c]. The margins at the end
// come from q, or are added up where q is nil.
func (w *seedWalk) run(first int64, n int, q *Queries, leaf [][]uint32, seed [][]float64, off int) error {
	m := w.model
	if err := w.rows.load(first, n); err != nil {
		return err
	}
	final, class := w.ends(first, n, q, off)
	per := w.seeder.perRow
	if w.when == finalSeed {
		if err := w.seeder.seed(w.rows.y, final, class, w.out, w.work); err != nil {
			return err
		}
	}
	for t := range m.iters {
		w.rows.leaves(t)
		if w.when == runningSeed {
			if err := w.seeder.seed(w.rows.y, w.rows.f, class, w.out, w.work); err != nil {
				return err
			}
		}
		for c := range m.k {
			u := t*m.k + c
			dst := seed[u][off*per : (off+n)*per]
			if w.when == noSeed {
				fill(dst, 1)
			} else {
				copy(dst, w.out[c])
			}
			if leaf != nil {
				copy(leaf[u][off:], w.rows.leaf[c])
			}
		}
		w.rows.advance(t)
	}
	if m.iters == 0 && w.when == finalSeed {
		for c := range m.k {
			copy(seed[c][off*per:(off+n)*per], w.out[c])
		}
	}
	return nil
}

// ends returns margins and predicted classes of the loaded rows at the end of
// training.
func (w *seedWalk) ends(first int64, n int, q *Queries, off int) ([][]float64, []int32) {
	m := w.model
	if q != nil {
		final := make([][]float64, m.k)
		for c := range final {
			final[c] = q.margins[c][first : first+int64(n)]
		}
		return final, q.class[first : first+int64(n)]
	}
	final := make([][]float64, m.k)
	for c := range final {
		final[c] = w.final[c][off : off+n]
	}
	m.margins(w.rows.ids, w.rows.lo, final, w.rows.cells[0])
	m.loss.Classify(final, w.class[:n])
	return final, w.class[:n]
}
