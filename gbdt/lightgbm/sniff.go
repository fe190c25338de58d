package lightgbm

import "bytes"

// Sniff reports whether head, the first bytes of a file, begins a LightGBM
// model. A text begins with the line "tree", then the format's version as far
// as head shows it; sixteen bytes are enough. A JSON dump begins with the name
// "tree", or has one of the library's own keys near its beginning; 64 bytes are
// enough where no tool has sorted the keys. Compressed models have to be
// unpacked before.
func Sniff(head []byte) bool { return sniffText(head) || sniffDump(head) }

func sniffText(head []byte) bool {
	for _, end := range []string{"\n", "\r\n"} {
		start := []byte("tree" + end + "version=")
		if bytes.HasPrefix(head, start) || len(head) > len("tree") && bytes.HasPrefix(start, head) {
			return true
		}
	}
	return false
}

// sniffDump takes whichever order of keys. XGBoost and CatBoost have none of
// these.
func sniffDump(head []byte) bool {
	if !bytes.HasPrefix(head, []byte("{")) {
		return false
	}
	for _, key := range []string{`"num_tree_per_iteration"`, `"max_feature_idx"`, `"average_output"`} {
		if bytes.Contains(head, []byte(key)) {
			return true
		}
	}
	beginning := bytes.Join(bytes.Fields(head[:min(len(head), 64)]), nil)
	return bytes.HasPrefix(beginning, []byte(`{"name":"tree",`))
}

// mistaken says what a file that is no LightGBM model seems to be, and
// what to do.
func mistaken(head []byte) string {
	has := func(s string) bool { return bytes.Contains(head, []byte(s)) }
	starts := func(s string) bool { return bytes.HasPrefix(head, []byte(s)) }
	const save = "; save the model as text with save_model"
	switch {
	case len(head) == 0:
		return "the file is empty"
	case starts("Tree="), starts("version="), starts("num_leaves="):
		return "the file holds a part of a LightGBM model, without its beginning" + save
	case starts("{"), starts("["):
		switch {
		case len(head) > 1 && bytes.IndexByte([]byte("LlUiI"), head[1]) >= 0:
			return "the file seems to be an XGBoost model in UBJ, not a LightGBM text model"
		case has(`"learner"`):
			return "the file seems to be an XGBoost model in JSON, not a LightGBM text model"
		case has(`"nodeid"`):
			return "the file seems to be a dump of an XGBoost model, not a LightGBM text model"
		case has(`"oblivious_trees"`), has(`"features_info"`), has(`"ctr_data"`):
			return "the file seems to be a CatBoost model in JSON, not a LightGBM text model"
		}
		return "the file seems to be JSON, not a LightGBM text model" + save
	case starts("binf"), starts("bs64"), has("\x06\x00\x00\x00\x00\x00\x00\x00gbtree"), has("\x08\x00\x00\x00\x00\x00\x00\x00gblinear"), has("\x04\x00\x00\x00\x00\x00\x00\x00dart"):
		return "the file seems to be an XGBoost model in its old binary format, not a LightGBM text model"
	case starts("booster["):
		return "the file seems to be a text dump of an XGBoost model, not a LightGBM text model"
	case starts("CBM1"):
		return "the file seems to be a CatBoost model (cbm), not a LightGBM text model"
	case len(head) > 1 && head[0] == 0x80 && head[1] >= 2 && head[1] <= 5, starts("ccopy_reg\n"), starts("(lp"), starts("(dp"):
		return "the file seems to be a Python pickle, which infl does not run" + save
	case starts(string(gzipMagic)), starts(string(zstdMagic)):
		return "the text is compressed; unpack it or open it as a file"
	case starts("PK\x03\x04"):
		return "the file seems to be a zip archive, not a LightGBM text model" + save
	case starts("PAR1"):
		return "the file seems to be a Parquet table, not a model"
	}
	return `the file does not begin with the line "tree" of a LightGBM text model` + save
}
