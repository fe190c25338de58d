package gbdt_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/infl-dev/infl/gbdt"
	"github.com/infl-dev/infl/gbdt/lightgbm"
	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/sink"
)

// A model of one tree with two leaves, as LightGBM writes it, trained on four
// rows with learning rate 0.5: x ≤ 1.5 predicts 2, else 4.
const exampleModel = `tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=0
objective=regression
feature_names=x
feature_infos=[1:2]

Tree=0
num_leaves=2
num_cat=0
split_feature=0
split_gain=4
threshold=1.5
decision_type=2
left_child=-1
right_child=-2
leaf_value=2 4
leaf_weight=2 2
leaf_count=2 2
internal_value=3
internal_weight=4
internal_count=4
is_linear=0
shrinkage=1

end of trees

parameters:
[boosting: gbdt]
[objective: regression]
[learning_rate: 0.5]
[boost_from_average: 1]
end of parameters
`

// Which train rows taught the prediction 4 for x = 2, where 7 would have been
// right? Row d pulls the leaf up to its own 6; row c holds it down.
func Example() {
	dir, err := os.MkdirTemp("", "infl")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			log.Fatal(err)
		}
		return path
	}
	if err := explain(write("train.csv", "id,x,y\na,1,1\nb,1,1\nc,2,4\nd,2,6\n"), write("query.csv", "x,y\n2,7\n")); err != nil {
		log.Fatal(err)
	}
	// Output:
	// verdict: exact
	// d helpful 1.00
	// c harmful -1.00
}

func explain(trainPath, queryPath string) error {
	ctx := context.Background()
	forest, err := lightgbm.Parse(strings.NewReader(exampleModel), "model.txt")
	if err != nil {
		return err
	}
	train, err := dataset.Open(trainPath, dataset.Options{})
	if err != nil {
		return err
	}
	columns := gbdt.Columns{Label: "y", Key: "id"}
	model, err := gbdt.Prepare(ctx, forest, train, gbdt.PrepareOptions{Columns: columns})
	if err != nil {
		return err
	}
	defer model.Close()
	fmt.Println("verdict:", model.Fidelity().Verdict)

	query, err := dataset.Open(queryPath, dataset.Options{})
	if err != nil {
		return err
	}
	queries, err := model.Queries(ctx, query, gbdt.Columns{Label: "y"})
	if err != nil {
		return err
	}
	scorer, err := model.BoostIn(queries, gbdt.Options{})
	if err != nil {
		return err
	}
	job := influence.Job{Train: influence.RowRange(0, model.Rows()), Query: influence.RowRange(0, queries.Rows())}
	top, err := sink.Top(ctx, scorer, job, 2)
	if err != nil {
		return err
	}
	for _, e := range top {
		fmt.Printf("%s %s %.2f\n", model.Keys().String(e.TrainRow), e.Side, e.Score)
	}
	return nil
}
