package sink

import (
	"context"
	"io"
	"strconv"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/infl-dev/infl/influence"
)

// notes are the metadata of every file with scores.
func notes(r Record) []note {
	d := r.Description
	factor := "null"
	if d.LOOFactor != nil {
		factor = strconv.FormatFloat(*d.LOOFactor, 'g', -1, 64)
	}
	return []note{
		{"infl.schema", strconv.Itoa(Schema)},
		{"infl.method", d.Method},
		{"infl.positive_means", d.PositiveMeans},
		{"infl.unit", d.Unit},
		{"infl.loo_factor", factor},
		{"infl.version", r.Versions["infl"]},
	}
}

// writeScores writes scores.parquet:
//
//	query_key  int64 or utf8      key of the query row
//	train_key  int64 or utf8      key of the train row
//	query_row  int64              row number in the query table
//	train_row  int64              row number in the train table
//	output     int32, nullable    output of the model; null for a loss
//	score      float or double    the job's precision
//	rank       int32              from 1 within side
//	side       utf8               helpful, harmful; or high, low
//	module     utf8, nullable     module of the model, with Modules or Tokens
//	token      int32, nullable    token of the train row, with Modules or Tokens
//	damping    float64            of the curvature, with Dampings
//
// sorted by query position, output or module, side (helpful or high first) and rank.
// Each entry is passed on to seen.
func writeScores(ctx context.Context, w io.Writer, o SinkOptions, notes []note, r *topK, from states, reducer int, seen func(Entry)) error {
	queryKey, trainKey := keyColumn("query_key", o.QueryKeys.IsInt(), true), keyColumn("train_key", o.TrainKeys.IsInt(), false)
	queryRow := &column{name: "query_row", kind: parquet.Types.Int64, repeats: true}
	trainRow := &column{name: "train_row", kind: parquet.Types.Int64}
	output := &column{name: "output", kind: parquet.Types.Int32, nullable: true, repeats: true}
	score := scoreColumn("score", r.layout.Precision == influence.Float64)
	rank := &column{name: "rank", kind: parquet.Types.Int32}
	side := &column{name: "side", kind: parquet.Types.ByteArray, repeats: true}
	finer := newFinerColumns(o.Finer)
	columns := append([]*column{queryKey, trainKey, queryRow, trainRow, output, score, rank, side}, finer.list()...)
	rowOf := func(entry int64) int64 { return o.QueryRows.At(entry / int64(r.layout.PerRow)) }
	return writeTable(w, columns, notes, func(t *table) error {
		var query Key
		last := int64(-1)
		return r.merge(from, reducer, rowOf, func(e Entry) error {
			if e.Query != last {
				if err := ctx.Err(); err != nil {
					return err
				}
				query, last = keyOf(o.QueryKeys, e.QueryRow), e.Query
			}
			queryKey.key(query)
			row, token := o.trainRow(e.TrainRow)
			trainKey.key(keyOf(o.TrainKeys, row))
			queryRow.int64s = append(queryRow.int64s, e.QueryRow)
			trainRow.int64s = append(trainRow.int64s, row)
			output.output(o.output(e.Output))
			finer.add(e.Output, token)
			score.score(e.Score)
			rank.int32s = append(rank.int32s, e.Rank)
			side.texts = append(side.texts, parquet.ByteArray(e.Side))
			seen(e)
			return t.row()
		})
	})
}
