package parallel

import (
	"context"
	"iter"
)

// Ahead yields what read returns for the parts [lo, lo+step), [lo+step, lo+2·step), …
// of [lo, hi), in order; step is positive. While a part is being used, the next one
// is being read by another goroutine, which has ended when the sequence has.
//
// turn is 0 and 1 in turn: what read keeps in a buffer of that number is used until
// the next part is asked for. After an error, which is read's or the context's, the
// sequence ends.
func Ahead[T any](ctx context.Context, lo, hi, step int64, read func(lo, hi int64, turn int) (T, error)) iter.Seq2[T, error] {
	type part struct {
		value T
		err   error
	}
	return func(yield func(T, error) bool) {
		at, turn := lo, 0
		// ahead starts to read the next part; the channel gives it once.
		ahead := func() <-chan part {
			out := make(chan part, 1)
			from, to, buffer := at, min(hi, at+step), turn
			at, turn = to, 1-turn
			if from >= to {
				close(out)
				return out
			}
			go func() {
				defer close(out)
				v, err := read(from, to, buffer)
				out <- part{v, err}
			}()
			return out
		}
		next := ahead()
		defer func() { <-next }()
		for from := lo; from < hi; from += step {
			p := <-next
			next = ahead()
			if err := ctx.Err(); p.err == nil && err != nil {
				p = part{err: err}
			}
			if !yield(p.value, p.err) || p.err != nil {
				return
			}
		}
	}
}
