// Package sink is where scores go: the largest of each query, sums, the whole
// matrix; and the run folder that makes them durable and continues a job that
// was interrupted.
//
// # What
//
// [OpenRun] opens a run folder and [Run.Sink] gives the sink that fills it
// with what [SinkOptions] ask for. Without a folder, [Top] returns the lists
// of each query and [Dense] all scores of a small job. [ReadScores] and
// [ReadRecord] read a run, [VerifyRun] checks one.
//
// # Flow
//
//	Tile ─▶ Put ─▶ reducers of the unit ─full─▶ parts/unit-N.part
//	                                                │ Commit
//	run.json (running) ·····················▶ scores.parquet, rows.parquet,
//	                                          matrix.* ─▶ run.json (done)
//
// A unit is a cell of the job's layout. What is kept of it is the reduced
// state of each reducer, not its tiles. A part whose checksum differs counts
// as missing. Every file comes into being under a temporary name, is synced
// and renamed, and run.json turns to "done" last: a kill at any moment leaves
// a run that can be continued or a finished one. Running again gives the same
// bytes.
//
// # Shapes
//
// Tiles have train rows down and query entries across, the matrix has query
// entries down. k rows are kept at either end of each of q query entries. Sums
// exist for each train position, group of queries and output.
//
// # Sign
//
// Where the sign of a score has a meaning, helpful rows are those with scores
// > 0 and harmful ones those < 0. Otherwise high and low are the ends of all
// scores. Ties are ordered by train row. The metadata of every file says what
// a positive score means.
//
// With [Candidates] only some train positions may come into the lists of a query.
//
// # Cost
//
// Top-k takes about q × 4k × 16 bytes for a unit in work and one comparison
// for most scores. Sums take 24 bytes for each train row of a unit, group and
// output, times the few nodes of the sum tree that wait. The matrix is written
// once and read once. Commit streams: its memory does not grow with n, but for
// the counts of times_in_top, 16 bytes for each kept score.
//
// # Not here
//
// Scores are made in gbdt and influence; tables and keys are read in
// influence/dataset; reports and progress are in internal/app.
package sink
