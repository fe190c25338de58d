package sink

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet/file"
)

// maxProblems bounds how much VerifyRun tells of one file.
const maxProblems = 20

// VerifyRun checks that a run folder holds a finished run as it was written:
// its state, size and checksum of each output, columns and metadata of the
// tables, and in scores.parquet sides, signs, ranks and order. It returns one
// sentence for each thing that is wrong, none for a sound run; err is for what
// kept it from looking, such as a folder without run.json or ctx's end.
func VerifyRun(ctx context.Context, dir string) (problems []string, err error) {
	record, state, err := ReadRecord(dir)
	if err != nil {
		return nil, err
	}
	if state != Done {
		return []string{"the run is unfinished; run the same command again to continue it"}, nil
	}
	if info, err := os.Stat(filepath.Join(dir, partsName)); err == nil && info.IsDir() {
		problems = append(problems, "parts of the unfinished run are left")
	}
	for _, o := range record.Outputs {
		if err := ctx.Err(); err != nil {
			return problems, err
		}
		found, err := verifyOutput(ctx, dir, o, record)
		if err != nil {
			return problems, err
		}
		problems = append(problems, found...)
	}
	return problems, nil
}

func verifyOutput(ctx context.Context, dir string, o Output, record Record) ([]string, error) {
	local := filepath.FromSlash(o.Name)
	if !filepath.IsLocal(local) {
		return []string{fmt.Sprintf("%q lies outside the run folder", o.Name)}, nil
	}
	path := filepath.Join(dir, local)
	size, sum, err := sumFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return []string{o.Name + " is missing"}, nil
	}
	if err != nil {
		return nil, err
	}
	if size != o.Bytes {
		return []string{fmt.Sprintf("%s has %d bytes, not %d", o.Name, size, o.Bytes)}, nil
	}
	if got := fmt.Sprintf("%016x", sum); got != o.XXH3 {
		return []string{fmt.Sprintf("%s has the checksum %s, not %s", o.Name, got, o.XXH3)}, nil
	}
	switch o.Name {
	case scoresName:
		problems := verifyNotes(path, record)
		found, err := verifyScores(ctx, dir, record)
		return append(problems, found...), err
	case rowsName:
		problems := verifyNotes(path, record)
		err := readTable(ctx, path, func(arrow.RecordBatch) error { return nil })
		if err != nil && ctx.Err() == nil {
			return append(problems, err.Error()), nil
		}
		return problems, err
	}
	return nil, nil
}

// verifyNotes compares the metadata of a table with the record.
func verifyNotes(path string, record Record) (problems []string) {
	defer func() {
		if p := recover(); p != nil {
			problems = append(problems, fmt.Sprintf("%s cannot be read: %v", path, p))
		}
	}()
	f, err := file.OpenParquetFile(path, false)
	if err != nil {
		return []string{fmt.Sprintf("%s cannot be read: %v", path, err)}
	}
	meta := f.MetaData().KeyValueMetadata()
	for _, n := range notes(record) {
		got := meta.FindValue(n.name)
		switch {
		case got == nil:
			problems = append(problems, fmt.Sprintf("%s lacks %s", filepath.Base(path), n.name))
		case *got != n.value:
			problems = append(problems, fmt.Sprintf("%s says %s = %q, %s %q", filepath.Base(path), n.name, *got, recordName, n.value))
		}
	}
	if err := f.Close(); err != nil {
		problems = append(problems, err.Error())
	}
	return problems
}

// verifyScores checks the rows of scores.parquet one after the other.
func verifyScores(ctx context.Context, dir string, record Record) ([]string, error) {
	var v scoresVerifier
	v.high, v.low = (&topK{signed: record.Signed}).sides()
	err := ReadScores(ctx, dir, func(r ScoreRow) error {
		v.check(r)
		if len(v.problems) >= maxProblems {
			return errTooMany
		}
		return nil
	})
	switch {
	case err == nil || errors.Is(err, errTooMany):
		return v.problems, nil
	case ctx.Err() != nil:
		return v.problems, ctx.Err()
	}
	return append(v.problems, err.Error()), nil
}

var errTooMany = errors.New("too many problems")

type scoresVerifier struct {
	high, low Side
	problems  []string
	rows      int64
	last      ScoreRow
	done      []listName // lists of the current query row
}

// listName identifies a list among those of a query row.
type listName struct {
	output  int32
	module  string
	damping float64
	side    Side
}

func (v *scoresVerifier) check(r ScoreRow) {
	fail := func(format string, args ...any) {
		v.problems = append(v.problems, fmt.Sprintf("%s row %d: ", scoresName, v.rows)+fmt.Sprintf(format, args...))
	}
	if r.Side != v.high && r.Side != v.low {
		fail("the side is %q, not %s or %s", r.Side, v.high, v.low)
	}
	if math.IsNaN(r.Score) {
		fail("the score is not a number")
	}
	if r.Side == Helpful && !(r.Score > 0) || r.Side == Harmful && !(r.Score < 0) {
		fail("a %s row has the score %g", r.Side, r.Score)
	}
	name := listName{r.Output, r.Module, r.Damping, r.Side}
	last := listName{v.last.Output, v.last.Module, v.last.Damping, v.last.Side}
	switch {
	case v.rows > 0 && r.QueryRow == v.last.QueryRow && name == last && r.Rank == v.last.Rank+1:
		a, b := v.last.Score, r.Score
		if r.Side == v.low {
			a, b = -a, -b
		}
		if b > a || b == a && (r.TrainRow < v.last.TrainRow || r.TrainRow == v.last.TrainRow && r.Token < v.last.Token) {
			fail("rank %d comes before rank %d by score and train row", r.Rank, v.last.Rank)
		}
	case r.Rank != 1:
		fail("rank %d follows rank %d", r.Rank, v.last.Rank)
	default:
		if v.rows == 0 || r.QueryRow != v.last.QueryRow || slices.Contains(v.done, name) {
			v.done = v.done[:0] // A query row that is asked twice begins anew.
		} else if name.output < last.output || name.output == last.output && name.module == last.module && name.damping == last.damping && name.side == v.high {
			fail("side %s of output %d comes too late", r.Side, r.Output)
		}
		v.done = append(v.done, name)
	}
	v.last = r
	v.rows++
}
