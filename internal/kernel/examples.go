package kernel

// An exampleSlab is some neighbouring query matrices that meet sums of outer products
// together.
type exampleSlab[F Float] interface {
	// add adds the scores of examples with the slab's queries to their columns of out, on
	// the calling goroutine. The rows of example i are start[i] … start[i+1]−1 of g and a;
	// scratch is as long as scratchNumbers asks for.
	add(start []int, g, a Matrix[F], scratch []F, out Matrix[F])
	scratchNumbers() int
}

const (
	slabCols     = 1536    // of the products of a slab, about: those of a block of rows stay in a cache
	slabRows     = 84      // of a block, a multiple of the rows of tiles
	exampleCells = 1 << 21 // scores that are summed at a time, about
)

// eachExamples computes the scores of examples with all queries, and calls use for each
// finished block of examples, as [LowRankRows.EachBlock] says.
func eachExamples[F Float, S exampleSlab[F]](workers, queries int, slabs []S, start []int, g, a Matrix[F], use func(worker, first int, scores Matrix[F])) {
	g.check()
	a.check()
	if n := len(start) - 1; g.Rows != a.Rows || n < 0 || start[0] < 0 || start[n] > g.Rows {
		panic("kernel: examples do not fit their rows")
	}
	if queries == 0 {
		return
	}
	numbers := 0
	for _, s := range slabs {
		numbers = max(numbers, s.scratchNumbers())
	}
	private := takeScratches[F](workers, numbers)
	defer private.release()
	blocks := groupExamples(start)
	step := max(1, exampleCells/(slabRows*queries))
	scores := takeScratch[F](min(step, len(blocks)) * slabRows * queries)
	defer scores.release()
	for len(blocks) > 0 {
		some := blocks[:min(step, len(blocks))]
		blocks = blocks[len(some):]
		first, last := some[0].first, some[len(some)-1]
		examples := last.first + last.count - first
		all := MatrixOf(scores.numbers[:examples*queries], examples, queries)
		clear(all.Data)
		of := func(at span) Matrix[F] { return all.Block(at.first-first, 0, at.count, queries) }
		// Blocks of rows meet a slab one after the other, while it is in a cache.
		forBlocks(workers, len(slabs)*len(some), func(w, b int) {
			at := some[b%len(some)]
			slabs[b/len(some)].add(start[at.first:at.first+at.count+1], g, a, private[w].numbers, of(at))
		})
		forBlocks(workers, len(some), func(w, b int) { use(w, some[b].first, of(some[b])) })
	}
}

// groupExamples returns spans of examples, each of as many as fit a block of rows, and
// one at least.
func groupExamples(start []int) []span {
	var spans []span
	for first := 0; first < len(start)-1; {
		end := first + 1
		for end < len(start)-1 && start[end+1]-start[first] <= slabRows && end-first < slabRows {
			end++
		}
		spans = append(spans, span{first, end - first})
		first = end
	}
	return spans
}
