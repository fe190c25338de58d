package lightgbm_test

import (
	"fmt"

	"github.com/infl-dev/infl/gbdt/lightgbm"
)

func ExampleOpen() {
	forest, err := lightgbm.Open("testdata/kinds_v4.txt")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(forest.Iterations(), "iterations,", forest.Leaves(), "leaves, objective", forest.Loss.Name)
	// Output: 3 iterations, 8 leaves, objective binary
}
