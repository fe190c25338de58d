package app

import (
	"errors"
	"fmt"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/store"
)

// openStore opens the gradients of another tool's folder or file, or of ours: a block
// for each module.
func (s *vectorSide) openStore(o dataset.MatrixOptions) (err error) {
	if s.store, err = store.Open(s.path, o); err != nil {
		return err
	}
	if len(s.store.Blocks()) == 0 {
		hint := "infl convert makes other files of its scores"
		if models := store.TRAKModels(s.path); len(models) > 0 {
			hint = fmt.Sprintf("name the folder of a model, such as %s, or use it as --checkpoint of --method trak", models[0])
		}
		return errors.Join(fmt.Errorf("%s: holds no vectors (%s); %s", s.path, s.store.Kind(), hint), s.store.Close())
	}
	for _, b := range s.store.Blocks() {
		s.blocks, s.names = append(s.blocks, b.Vectors), append(s.names, b.Name)
	}
	return nil
}

// expandModels puts the folders of the models of a TRAK folder in the place of the
// folder.
func expandModels(checkpoints []string) []string {
	var out []string
	for _, text := range checkpoints {
		dir, _, _ := splitCheckpoint(text) // What is wrong is said where it is opened.
		models := store.TRAKModels(dir)
		for _, m := range models {
			out = append(out, m+text[len(dir):])
		}
		if len(models) == 0 {
			out = append(out, text)
		}
	}
	return out
}
