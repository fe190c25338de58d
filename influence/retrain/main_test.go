package retrain

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/infl-dev/infl/influence/dataset"
)

// TestMain makes the test binary itself the program that Command runs: the word after
// it says how it behaves.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "program" {
		os.Exit(program(os.Args[2], os.Args[3]))
	}
	goleak.VerifyTestMain(m)
}

// program trains the model of additive, or does something wrong.
func program(mode, folder string) int {
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(9)
		}
	}
	var change struct {
		Rows, Kept, Relabelled int64
		Seed                   uint64
	}
	text, err := os.ReadFile(filepath.Join(folder, changeName))
	fail(err)
	fail(json.Unmarshal(text, &change))
	read := func(name string) []float64 {
		n, err := dataset.ReadNumbers(filepath.Join(folder, name))
		fail(err)
		return n.Values
	}
	kept, relabelled, labels := read(keptName), read(relabelledName), read(labelsName)
	if int64(len(kept)) != change.Kept || int64(len(relabelled)) != change.Relabelled || len(labels) != len(relabelled) {
		fail(fmt.Errorf("change.json says %+v", change))
	}
	losses := []float64{float64(change.Seed), 0, 0}
	for _, row := range kept {
		losses[1] -= row
	}
	for _, y := range labels {
		losses[2] += y
	}
	classes := []float64{1, 0, float64(int(losses[1]) % 2)}
	switch mode {
	case "silent":
		return 0
	case "fails":
		fmt.Fprintln(os.Stderr, "first\nloading\nthe table\nno such column")
		return 3
	case "hangs":
		time.Sleep(time.Minute)
	case "short":
		losses = losses[:2]
	case "half":
		classes[1] = 0.5
	case "noclasses":
		classes = nil
	}
	fail(writeNumbers(folder, lossesName, "<f8", losses))
	if classes != nil {
		fail(writeNumbers(folder, classesName, "<f8", classes))
	}
	return 0
}
