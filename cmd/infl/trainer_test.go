package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/infl-dev/infl/influence/dataset"
)

// additive is a trainer for scripts: additive TRAIN.npy QUERY.npy [MODE] FOLDER. Its
// loss of a query is minus the sum of the inner products with the rows that it trains
// on, so that dot tells exactly what it does without a row. It predicts class 1 where
// the loss is higher than nine tenths of that with all rows. With the mode "noisy" the
// loss also depends on the seed, "short" answers for one query only, "broken" fails.
func additive() {
	args := os.Args[1:]
	mode, folder := "", args[len(args)-1]
	if len(args) > 3 {
		mode = args[2]
	}
	if err := additiveFit(args[0], args[1], mode, folder); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
}

func additiveFit(trainPath, queryPath, mode, folder string) error {
	train, errTrain := dataset.ReadNumbers(trainPath)
	query, errQuery := dataset.ReadNumbers(queryPath)
	kept, errKept := dataset.ReadNumbers(filepath.Join(folder, "kept.npy"))
	text, errChange := os.ReadFile(filepath.Join(folder, "change.json"))
	if err := errors.Join(errTrain, errQuery, errKept, errChange); err != nil {
		return err
	}
	var change struct{ Seed uint64 }
	if err := json.Unmarshal(text, &change); err != nil {
		return err
	}
	if mode == "broken" {
		return errors.New("no such column: colour")
	}
	width := int(train.Shape[1])
	var losses, classes []float64
	for e := range int(query.Shape[0]) {
		loss, whole := 0.0, 0.0
		for i := range int(train.Shape[0]) {
			product := 0.0
			for k := range width {
				product += float64(train.Values[i*width+k] * query.Values[e*width+k])
			}
			whole -= product
			if slices.Contains(kept.Values, float64(i)) {
				loss -= product
			}
		}
		class := 0.0
		if loss > 0.9*whole {
			class = 1
		}
		if mode == "noisy" {
			loss += float64((int(change.Seed)*7+e*5+len(kept.Values)+int(kept.Values[0])*3+int(kept.Values[1])*11)%13) * 40
		}
		losses, classes = append(losses, loss), append(classes, class)
	}
	if mode == "short" {
		losses = losses[:1]
	}
	return errors.Join(writeVector(filepath.Join(folder, "losses.npy"), losses), writeVector(filepath.Join(folder, "classes.npy"), classes))
}

func writeVector(path string, values []float64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	err = dataset.Numbers{Shape: []int64{int64(len(values))}, Values: values}.Write(f, "<f8")
	return errors.Join(err, f.Close())
}
