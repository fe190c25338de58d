package sink

// Handle is an open file, for tests that put faults in.
type Handle = handle

// OpenFile opens a file as the run folder does.
func OpenFile(path string, flag int) (Handle, error) { return osFile(path, flag) }

// OpenRunOn is OpenRun over another way of opening files.
func OpenRunOn(dir string, o RunOptions, open func(path string, flag int) (Handle, error)) (*Run, error) {
	return openRun(dir, o, open)
}

// VerifyRows checks rows as VerifyRun checks those of scores.parquet.
func VerifyRows(signed bool, rows []ScoreRow) []string {
	var v scoresVerifier
	v.high, v.low = (&topK{signed: signed}).sides()
	for _, r := range rows {
		v.check(r)
	}
	return v.problems
}
