package dataset_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/infl-dev/infl/influence/dataset"
)

func Example() {
	dir, err := os.MkdirTemp("", "rows")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "train.csv")
	if err := os.WriteFile(path, []byte("id,age,colour,y\na,31,red,1\nb,NA,blue,0\n"), 0o600); err != nil {
		fmt.Println(err)
		return
	}

	table, err := dataset.Open(path, dataset.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	bound, err := table.Bind(dataset.Binding{
		Features: []dataset.Feature{{Name: "age"}, {Name: "colour", Categories: []any{"blue", "red"}}},
		Label:    "y",
		Key:      "id",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for frame, err := range bound.Frames(context.Background()) {
		if err != nil {
			fmt.Println(err)
			return
		}
		for i := range frame.N {
			fmt.Println(frame.First+int64(i), frame.X[0][i], frame.X[1][i], frame.Label[i])
		}
	}
	fmt.Println(bound.Keys().String(1))
	// Output:
	// 0 31 1 1
	// 1 NaN 0 0
	// b
}
