package lightgbm

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSniff(t *testing.T) {
	require.True(t, Sniff([]byte(fixture(t, "kinds_v4.txt"))))
	for _, head := range []string{"tree\n", "tree\r\n", "tree\nversion=v2", "tree\r\nversion=v3\r\n", "tree\nvers"} {
		require.True(t, Sniff([]byte(head)), "%q", head)
	}
	for _, head := range []string{"", "tree", "trees\n", "tree \n", "Tree=0\n", "\ntree\n", "tree\noak", "{}", "tree\x00", "\x1f\x8b"} {
		require.False(t, Sniff([]byte(head)), "%q", head)
	}
}

// Files given by mistake are named for what they seem to be.
func TestMistakenFiles(t *testing.T) {
	seems := func(content, want string) {
		t.Helper()
		_, err := parseText(content)
		require.EqualError(t, err, "model.txt: "+want)
	}
	const not, save = ", not a LightGBM text model", "; save the model as text with save_model"
	seems("", "the file is empty")
	seems("Tree=0\nnum_leaves=1\n", "the file holds a part of a LightGBM model, without its beginning"+save)
	seems(`{"learner":{"attributes":{}}}`, "the file seems to be an XGBoost model in JSON"+not)
	seems("{L\x00\x00\x00\x00\x00\x00\x00\x07learner", "the file seems to be an XGBoost model in UBJ"+not)
	seems("[\n  { \"nodeid\": 0, \"depth\": 0}]", "the file seems to be a dump of an XGBoost model"+not)
	seems("binf\x00\x00\x00\x3f", "the file seems to be an XGBoost model in its old binary format"+not)
	seems("\x00\x00\x00\x3f\x06\x00\x00\x00\x00\x00\x00\x00gbtree", "the file seems to be an XGBoost model in its old binary format"+not)
	seems("booster[0]:\n0:[f29<2] yes=1", "the file seems to be a text dump of an XGBoost model"+not)
	seems("CBM1\x10\x00", "the file seems to be a CatBoost model (cbm)"+not)
	seems(`{"ctr_data":{},"features_info":{}}`, "the file seems to be a CatBoost model in JSON"+not)
	seems(`{"a": 1}`, "the file seems to be JSON"+not+save)
	seems("\x80\x04\x95\x00", "the file seems to be a Python pickle, which infl does not run"+save)
	seems("ccopy_reg\n_reconstructor\n", "the file seems to be a Python pickle, which infl does not run"+save)
	seems("\x1f\x8b\x08", "the text is compressed; unpack it or open it as a file")
	seems("PK\x03\x04", "the file seems to be a zip archive"+not+save)
	seems("PAR1", "the file seems to be a Parquet table, not a model")
	seems("age,town\n1,2\n", `the file does not begin with the line "tree" of a LightGBM text model`+save)
	seems(strings.Repeat("\x00", 5000), `the file does not begin with the line "tree" of a LightGBM text model`+save)
}
