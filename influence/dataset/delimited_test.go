package dataset

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var nan, inf = math.NaN(), math.Inf(1)

// equalFloats compares numbers, NaN being equal to NaN.
func equalFloats(t testing.TB, want, got []float64) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		require.True(t, want[i] == got[i] || math.IsNaN(want[i]) && math.IsNaN(got[i]), "value %d: want %v, got %v", i, want[i], got[i])
	}
}

func TestNumbersInText(t *testing.T) {
	for text, want := range map[string]float64{
		"1": 1, "-2.5e3": -2500, " 7 ": 7, "inf": inf, "-inf": -inf, "Infinity": inf, "0.1": 0.1, "9007199254740993": 9007199254740992,
		"": nan, "NA": nan, "N/A": nan, "NaN": nan, "nan": nan, "null": nan, "NULL": nan, "None": nan,
	} {
		c, _ := loads(t, write(t, "t.csv", []byte("a,b\n"+text+",0\n")), Binding{Features: named("a")})
		equalFloats(t, []float64{want}, c.x[0])
	}
}

func TestTextThatIsNoNumber(t *testing.T) {
	bad := func(name, text string, line int64, want ...string) {
		t.Helper()
		e := fails(t, write(t, name, []byte(text)), Binding{Features: named("a")}, want...)
		require.Equal(t, line, e.Line)
	}
	bad("t.csv", "a,b\n1,2\nx,3\n", 3, `t.csv:3: column "a"`, `"x" is not a number`)
	bad("t.csv", "a,b\n\"1,5\",2\n", 2, "decimal comma", "point")
	bad("t.tsv", "a\tb\n1\t2\n1,5\t2\n", 3, "decimal comma")
	bad("t.csv", "a,b\n0x10,2\n", 2, "not a number")
	bad("t.csv", "a,b\n1_000,2\n", 2, "not a number")
	bad("t.csv", "a,b\n1e999,2\n", 2, "range")
	bad("t.csv", "a,b\n1,5,2\n", 2, "more or fewer fields")
	bad("t.csv", "a,b\n1\n", 2, "more or fewer fields")
	bad("t.csv", "a,b\n1\",2\n", 2, "quote")
	bad("t.csv", "a,b\n\"1,2\n", 2, "quote")
	bad("t.csv", "b,a\n\"two\nlines\",1\n2,x\n", 4, "not a number")
}

func TestHeader(t *testing.T) {
	fails(t, write(t, "t.csv", []byte("a,b,a\n1,2,3\n")), Binding{}, `t.csv:1: column "a"`, "twice")
	fails(t, write(t, "t.csv", nil), Binding{}, "is empty", "header")
	c, _ := loads(t, write(t, "t.csv", []byte("a,b\n")), Binding{Features: named("a", "b")})
	require.Empty(t, c.sizes)
}

func TestByteOrderMarkAndCRLF(t *testing.T) {
	c, b := loads(t, write(t, "t.csv", []byte("\xef\xbb\xbfa,b\r\n1,x\r\n2,y\r\n")), Binding{Features: named("a"), Key: "b"})
	require.Equal(t, []float64{1, 2}, c.x[0])
	require.Equal(t, "y", b.Keys().String(1))
}

func TestPackedText(t *testing.T) {
	const text = "a,b\n1,2\n3,4\n"
	for name, content := range map[string][]byte{
		"t.csv.gz": gzipped(t, text), "t.csv.zst": zstded(t, text),
		"gz.csv": gzipped(t, text), "zst.csv": zstded(t, text), "plain.csv.gz": []byte(text),
	} {
		c, _ := loads(t, write(t, name, content), Binding{Features: named("b")})
		require.Equal(t, []float64{2, 4}, c.x[0], name)
	}
}

func TestPackedTextCutShort(t *testing.T) {
	var long strings.Builder
	long.WriteString("a,b\n")
	for i := range 100_000 {
		long.WriteString(formatFloat(math.Sin(float64(i)), 64) + ",2\n")
	}
	for name, content := range map[string][]byte{"t.csv.gz": gzipped(t, long.String()), "t.csv.zst": zstded(t, long.String())} {
		for _, n := range []int{5, len(content) / 2, len(content) - 1} {
			path := write(t, name, content[:n])
			_, _, err := load(t, path, Binding{Features: named("a")})
			var e *Error
			require.ErrorAs(t, err, &e, "%s of %d bytes", name, n)
			require.Equal(t, path, e.Path)
		}
	}
}

func TestLineWithoutEnd(t *testing.T) {
	text := "a,b\n1,\"" + strings.Repeat("x", maxRecordBytes+1<<20)
	fails(t, write(t, "t.csv.gz", gzipped(t, text)), Binding{Features: named("a")}, "longer than 64 MiB")
}

func TestWeightsBasesAndPredictions(t *testing.T) {
	c, _ := loads(t, write(t, "t.csv", []byte("w,m,p\n0,-1,\n2,3,0.5\n")), Binding{Weight: "w", Base: "m", Predictions: "p"})
	require.Equal(t, []float64{0, 2}, c.weight)
	require.Equal(t, []float64{-1, 3}, c.base)
	equalFloats(t, []float64{nan, 0.5}, c.predictions)

	bad := func(value string, b Binding, want string) {
		t.Helper()
		require.EqualValues(t, 3, fails(t, write(t, "t.csv", []byte("a,b\n1,1\n"+value+",1\n")), b, `column "a"`, want).Line)
	}
	bad("-1", Binding{Weight: "a"}, "weight -1")
	bad("", Binding{Weight: "a"}, "missing")
	bad("inf", Binding{Weight: "a"}, "finite")
	bad("", Binding{Base: "a"}, "missing")
	bad("-inf", Binding{Base: "a"}, "finite")
	bad("inf", Binding{Predictions: "a"}, "finite")
	bad("inf", Binding{Label: "a"}, "finite")
}

func TestGroupAndExtraColumnsAreText(t *testing.T) {
	c, _ := loads(t, write(t, "t.csv", []byte("g,a\nu,1.50\n,NA\n")), Binding{Group: "g", Features: named("a"), Extra: []string{"a", "g"}})
	require.Equal(t, []string{"u", ""}, c.group)
	require.Equal(t, [][]string{{"1.50", "NA"}, {"u", ""}}, c.text)
}
