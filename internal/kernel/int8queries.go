package kernel

// Int8QueryRows are int8 query rows, copied once into the order in which scoring
// reads them, so that any number of train rows can be streamed against them.
//
// They are read-only after their making and may serve any number of goroutines.
type Int8QueryRows struct {
	queries, d int
	few        int8Few     // where they are few, or the path has nothing for many
	packed     *int8Packed // for products of many
}

// NewInt8QueryRows copies query rows.
func NewInt8QueryRows(queries Int8Matrix) *Int8QueryRows {
	queries.check()
	p := &Int8QueryRows{queries: queries.Rows, d: queries.Cols}
	switch {
	case queries.Cols == 0:
	case queries.Rows > FewQueries && hasInt8Product():
		p.packed = packInt8(queries)
	default:
		p.few = newInt8Few(queries)
	}
	return p
}

// EachBlock computes the scores of train rows with the query rows block by block,
// as [Int8Dots] defines them, and calls use for each finished block, as
// [QueryRows.EachBlock] does.
func (p *Int8QueryRows) EachBlock(workers int, train Int8Matrix, use func(worker, row int, scores Matrix[float32])) {
	train.check()
	if train.Cols != p.d {
		panic("kernel: train and query rows differ in length")
	}
	if p.queries == 0 {
		return
	}
	stride := roundUp(p.queries, int8TileCols)
	rows := roundUp(min(int8BlockRows, max(1, int8BlockScores/stride)), int8TileRows)
	scores := takeScratches[float32](workers, rows*stride)
	defer scores.release()
	forBlocks(workers, ceilDiv(train.Rows, rows), func(worker, b int) {
		n := min(rows, train.Rows-b*rows)
		all := scores[worker].numbers[:rows*stride]
		clear(all)
		out := Matrix[float32]{Data: all, Rows: n, Cols: p.queries, Stride: stride}
		switch {
		case p.d == 0:
		case p.packed != nil:
			p.packed.add(train, b*rows, n, all)
		default:
			p.few.scores(train, b*rows, out)
		}
		use(worker, b*rows, out)
	})
}

const (
	int8BlockRows   = 224
	int8BlockScores = 1 << 18 // of a block, which stays in a second level cache
)
