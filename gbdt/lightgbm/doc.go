// Package lightgbm reads the text models of LightGBM.
//
// # What
//
// [Parse] turns the bytes of a model, as LightGBM's save_model writes them, into a
// [gbdt.Forest]; [Open] does so for a file, plain or compressed with gzip or
// zstd; [Sniff] tells such a model by its first bytes. What the model uses and
// infl cannot explain (dart, linear leaves, some objectives) does not fail:
// it is listed in Forest.Unsupported, so that the model can be inspected.
//
// # Flow
//
//	bytes ─▶ lines ─▶ header ─▶ trees ─▶ parameters, pandas_categorical
//	                    │         │            │
//	                    └─────────┴────────────┴──▶ Forest, validated
//
// The file is read once, a line at a time. The tables of a tree are known by
// name; a key that is not known is skipped. The parameters follow the trees,
// so whatever depends on them (loss, leaves with additional L2, categories) is
// filled in last.
//
// What the versions of the format hold:
//
//	                                      v2    v3    v4
//	splits, leaf values, leaf counts      yes   yes   yes
//	leaf_weight (sums of Hessians)        no    yes   yes
//	value of the root (internal_value)    no*   yes   yes
//	is_linear                             no    late  yes
//	parameters                            late  yes   yes
//	pandas_categorical                    when written by the Python package
//
// "late" means: files of the later libraries that write this version. The
// asterisk: the field is there, without the initial score.
//
// # Shapes
//
// A tree of L leaves has L−1 inner nodes. A categorical node of the file has
// the number of its set in the place of a threshold; it is copied to
// Tree.CatSet. Tree t·K + c adds to output c in iteration t.
//
// # Cost
//
// Time is linear in the text, some 200 MB a second. Memory is at most 32 times
// the text that was read, plus 1 MB, whatever the text claims (a JSON dump names the codes of a category
// set, and its sets may take 64 MB more); for real models
// the forest is smaller than the text. A line may have 128 MB. Open reads
// what a compressed file expands to, so the bound is on the expanded text.
//
// # Not here
//
// How a row finds its leaf, the initial score that the first trees contain,
// losses, and whether the leaf values can be reproduced: package gbdt.
package lightgbm
