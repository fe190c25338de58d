package influence

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRows(t *testing.T) {
	r := RowRange(3, 7)
	require.EqualValues(t, 4, r.Len())
	require.EqualValues(t, 5, r.At(2))
	whole, ok := r.Contiguous()
	require.True(t, ok)
	require.Equal(t, Range{3, 7}, whole)
	require.Zero(t, RowRange(7, 3).Len())

	list := RowList([]int64{9, 2, 2})
	require.EqualValues(t, 3, list.Len())
	require.EqualValues(t, 2, list.At(1))
	_, ok = list.Contiguous()
	require.False(t, ok)
	require.Zero(t, RowList(nil).Len())
	_, ok = RowList(nil).Contiguous()
	require.False(t, ok, "an empty list is a list")
}

func TestRowsOutsideTheTable(t *testing.T) {
	require.NoError(t, RowRange(0, 5).Validate("train", 5))
	require.NoError(t, RowRange(0, 0).Validate("train", 0))
	require.ErrorContains(t, RowRange(0, 6).Validate("train", 5), "train row 5 is outside the table, which has 5 rows")
	require.Error(t, RowRange(-1, 2).Validate("train", 5))
	require.ErrorContains(t, RowList([]int64{1, 8}).Validate("query", 5), "query row 8")
}

// Units partition the grid: every cell is in exactly one, and UnitOf finds it.
func TestUnitsPartitionTheGrid(t *testing.T) {
	for _, l := range []Layout{
		{Query: 7, Train: 10, QBlock: 3, NBlock: 4, PerRow: 1},
		{Query: 1, Train: 1, QBlock: 9, NBlock: 9, PerRow: 1},
		{Query: 6, Train: 12, QBlock: 2, NBlock: 12, PerRow: 2},
		{Query: 0, Train: 5, QBlock: 1, NBlock: 5, PerRow: 1},
		{Query: 5, Train: 0, QBlock: 1, NBlock: 5, PerRow: 1},
	} {
		require.NoError(t, l.Validate())
		seen := make(map[[2]int64]int)
		n := int64(0)
		for u := range l.Units() {
			require.Equal(t, l.Unit(n), u)
			got, err := l.UnitOf(u)
			require.NoError(t, err)
			require.Equal(t, n, got)
			for q := u.Query.Lo; q < u.Query.Hi; q++ {
				for i := u.Train.Lo; i < u.Train.Hi; i++ {
					seen[[2]int64{q, i}]++
				}
			}
			n++
		}
		require.Equal(t, l.NumUnits(), n)
		require.Len(t, seen, int(l.Query*l.Train))
		for cell, times := range seen {
			require.Equal(t, 1, times, "cell %v", cell)
		}
	}
}

func TestBlocksThatAreInNoUnit(t *testing.T) {
	l := Layout{Query: 7, Train: 10, QBlock: 3, NBlock: 4, PerRow: 1}
	for name, r := range map[string]Range2{
		"over a query edge": {Range{2, 4}, Range{0, 1}},
		"over a train edge": {Range{0, 1}, Range{3, 5}},
		"empty":             {Range{1, 1}, Range{0, 1}},
		"outside":           {Range{0, 1}, Range{9, 11}},
		"negative":          {Range{-1, 1}, Range{0, 1}},
	} {
		_, err := l.UnitOf(r)
		require.Error(t, err, name)
	}
}

func TestLayoutListsAllThatIsWrong(t *testing.T) {
	err := Layout{Query: 3, Train: -1, PerRow: 2, Output: []int32{1}}.Validate()
	for _, want := range []string{"3 × -1", "units of 0 × 0", "not a multiple of 2", "1 outputs named for 3"} {
		require.ErrorContains(t, err, want)
	}
}

func TestParseQuantity(t *testing.T) {
	classes := []string{"no", "yes"}
	good := func(text string, want Quantity) {
		t.Helper()
		got, err := ParseQuantity(text, classes)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	good("loss", Quantity{})
	good("margin", Quantity{Margin, Predicted})
	good("margin:all", Quantity{Margin, Every})
	good("probability:yes", Quantity{Probability, 1})
	good("probability:0", Quantity{Probability, 0})
	for text, want := range map[string]string{
		"loss:yes": "the loss has no class", "marginal": "not known", "margin:maybe": `class "maybe" is not one of the model's: no, yes`, "margin:-1": "class",
	} {
		_, err := ParseQuantity(text, classes)
		require.ErrorContains(t, err, want, text)
	}
	_, err := ParseQuantity("margin:x", nil)
	require.ErrorContains(t, err, "not a number of an output")
	for _, text := range []string{"loss", "margin", "margin:all", "probability:1"} {
		q, err := ParseQuantity(text, nil)
		require.NoError(t, err)
		require.Equal(t, text, q.String())
	}
}

func TestPrecision(t *testing.T) {
	for _, p := range []Precision{Float32, Float64} {
		got, err := ParsePrecision(p.String())
		require.NoError(t, err)
		require.Equal(t, p, got)
	}
	require.EqualValues(t, 4, Float32.Bytes())
	require.EqualValues(t, 8, Float64.Bytes())
	_, err := ParsePrecision("half")
	require.Error(t, err)
}

func TestJobListsAllThatIsWrong(t *testing.T) {
	err := Job{Train: RowRange(0, 9), Query: RowRange(0, 9), Of: Quantity{Margin, -7}, Precision: 9}.Validate(5, 5)
	for _, want := range []string{"train row", "query row", "output -7", "precision 9"} {
		require.ErrorContains(t, err, want)
	}
	require.NoError(t, Job{Train: RowRange(0, 5), Query: RowRange(0, 99), Self: true}.Validate(5, 0), "a self job has no queries")
}

func TestTiles(t *testing.T) {
	r := Range2{Range{0, 2}, Range{4, 7}}
	require.NoError(t, Tile{Range2: r, F32: make([]float32, 6)}.Validate())
	require.Error(t, Tile{Range2: r}.Validate())
	require.Error(t, Tile{Range2: r, F64: make([]float64, 5)}.Validate())
	require.Error(t, Tile{Range2: r, F32: make([]float32, 6), F64: make([]float64, 6)}.Validate())
	require.Equal(t, "query [0, 2) × train [4, 7)", r.String())
}

func TestUnsupportedErrorIsOneSentence(t *testing.T) {
	e := &UnsupportedError{What: "boosting=dart", Reason: "trees were dropped", Instead: "train with gbdt"}
	require.EqualError(t, e, "boosting=dart is not supported: trees were dropped; train with gbdt")
	require.EqualError(t, &UnsupportedError{What: "a", Reason: "b"}, "a is not supported: b")
}
