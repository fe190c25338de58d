// Package oracle holds tests against LightGBM itself.
//
// draw.py draws models with random objectives, parameters and data, lets the
// library train and predict them, and writes what it says beside the files; the
// tests hold what infl says against that. They skip unless INFL_ORACLE names the
// folder that draw.py wrote:
//
//	python draw.py SEED COUNT FOLDER
//	INFL_ORACLE=FOLDER go test ./internal/oracle
//
// Where draw.py finds the reference formulas under INFL_GOLDEN it writes score
// matrices too.
package oracle
