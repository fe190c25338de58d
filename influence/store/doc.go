// Package store reads what other tools keep of influence computations, gradients or
// scores of rows, and writes the folders and files of infl.
//
// # What
//
// [Detect] tells from its content what a file or folder is, and [Open] opens it: as
// blocks of gradients, one for each module, or as scores. Nothing is converted; rows
// that lie together in a file are mapped and used there.
//
//	bergson      index (gradients.bin) and scores (scores.bin)
//	TRAK         a folder of models, or the folder of one
//	LESS, torch  .pt files, alone or in chunks
//	LogIX        log_rank_*_chunk_*.mmap
//	dattri       chunk_gradients_*.mmap
//	kronfluence  pairwise_scores and self_scores
//	infl         what [WriteStore] writes
//
// # Shapes and signs
//
// Gradients are n vectors for each module. Scores are queries × train rows or the
// other way round, see [Scores]; all tools above store numbers that are positive where
// the train row helps, as infl does, so no sign is changed.
//
// # Trust
//
// A folder is read as data, never run: the pickles in .pt files are read by a machine
// that knows tensors and nothing else, names in heads are names of blocks or of files
// in the folder itself, and sizes are checked against the files.
//
// # Not here
//
// Factors of the curvature, and captures (package capture).
package store
