// Package dataset gives rows: one opener and one streaming reader for every
// kind of table, whatever the file kind.
//
// # What
//
// [Open] looks at a file, or at a glob of shards, and returns a [Table]: its
// columns, and how many rows it has where the metadata tells. [Table.Bind]
// says which columns are which inputs (a [Binding]) and checks the names.
// [Bound.Frames] then streams the rows as numbers, a [Frame] at a time.
// [Table.Take] fetches a few rows as text, and [Table.Fingerprint] hashes the
// files.
//
//	CSV, TSV, JSONL   also gzip and zstd; cells are text
//	Parquet           flat columns; only the bound ones are decoded
//	Arrow IPC         files and streams; dictionaries count by value
//	.npy              numeric vectors and matrices; columns Column_0, Column_1, …
//
// [OpenMatrix] opens files of vectors (.npy, safetensors, Arrow, Parquet, raw) as a
// [Matrix], whose [Matrix.Blocks] are rows of numbers for the kernels: a part of a
// mapped file where that holds them as they are.
//
// # Flow
//
//	files ──▶ format (csv, jsonl, parquet, arrow, npy)
//	              │ cells of a line, or arrays of a record batch
//	              ▼
//	          assembler: one decoder per column and role
//	              │ exactly BatchRows rows, across row groups and shards
//	              ▼
//	          Frame ──▶ for frame, err := range bound.Frames(ctx)
//
// A format knows how bytes become cells and nothing of roles; a decoder knows
// what a cell means for its role and nothing of files. Every failure is an
// [*Error] with the place: the line of a text file, else the row.
//
// # Shapes
//
// A frame holds N rows, N = [BatchRows] but for the last of the whole input,
// and is feature-major: X[f][i] is feature f of row First+i. Row numbers and
// keys run over the whole input, all shards together.
//
// # Cost
//
// One pass reads each file once, front to back. Held in memory are one frame
// (128 KiB a column), the keys (eight bytes a row for integers, or the bytes of
// the text and eight), their index (four to eight bytes a row), and what is
// being decoded: a line, a window of some 16 MiB of a Parquet row group (never
// fewer than 65,536 rows of it), a record batch of Arrow whole, or a mebibyte
// of a .npy file.
//
// # Not here
//
// What a model does with the numbers (package gbdt), stores of gradients
// (influence/capture, influence/store), and writing of results (package sink).
package dataset
