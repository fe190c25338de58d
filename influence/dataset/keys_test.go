package dataset

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/stretchr/testify/require"
)

// checkKeys compares keys with a plain list of texts.
func checkKeys(t *testing.T, k *Keys, want []string, absent ...string) {
	t.Helper()
	require.EqualValues(t, len(want), k.Len())
	for i, text := range want {
		require.Equal(t, text, k.String(int64(i)))
		row, ok := k.Find(text)
		require.True(t, ok, text)
		require.EqualValues(t, i, row)
	}
	for _, text := range absent {
		_, ok := k.Find(text)
		require.False(t, ok, text)
	}
}

func csvOfKeys(t *testing.T, keys ...string) string {
	return write(t, "t.csv", []byte("k,x\n"+strings.Join(keys, ",0\n")+",0\n"))
}

func TestKeysOfText(t *testing.T) {
	check := func(isInt bool, keys ...string) {
		t.Helper()
		_, b := loads(t, csvOfKeys(t, keys...), Binding{Key: "k"})
		require.Equal(t, isInt, b.Keys().IsInt())
		checkKeys(t, b.Keys(), keys, "absent", "99", "")
	}
	check(true, "3", "-1", "0", "9223372036854775807", "-9223372036854775808")
	check(false, "1", "2", "x")
	check(false, "1", "01", "+1", "-0", "1.0")
	check(false, "a", "7")
	check(false, "9223372036854775808", "1")
}

func TestManyKeys(t *testing.T) {
	for _, format := range []string{"%d", "row-%d"} {
		var keys []string
		for i := range 5000 {
			keys = append(keys, fmt.Sprintf(format, i*i))
		}
		_, b := loads(t, csvOfKeys(t, keys...), Binding{Key: "k"})
		checkKeys(t, b.Keys(), keys, fmt.Sprintf(format, 3))
	}
}

func TestSyntheticKeys(t *testing.T) {
	_, b := loads(t, csvOfKeys(t, "a", "b", "c"), Binding{})
	require.True(t, b.Keys().IsInt())
	require.EqualValues(t, 2, b.Keys().Int(2))
	checkKeys(t, b.Keys(), []string{"0", "1", "2"}, "3", "-1", "01", "a")
}

func TestDuplicateKeys(t *testing.T) {
	for _, keys := range [][]string{{"5", "6", "5"}, {"a", "b", "a"}, {"7", "x", "7"}} {
		e := fails(t, csvOfKeys(t, keys...), Binding{Key: "k"}, "row 0", "row 2", "t.csv:4")
		require.Equal(t, keys[0], e.Key)
	}
	fails(t, csvOfKeys(t, "a", ""), Binding{Key: "k"}, "the key is missing", "t.csv:3")
}

func TestKeysOfTypedFiles(t *testing.T) {
	schema := fields([]string{"i", "s"}, arrow.PrimitiveTypes.Int32, arrow.BinaryTypes.String)
	batch := record(t, schema, "[3,1,2]", `["3","1","x"]`)
	for _, path := range typedFiles(t, batch) {
		_, b := loads(t, path, Binding{Key: "i"})
		require.True(t, b.Keys().IsInt())
		checkKeys(t, b.Keys(), []string{"3", "1", "2"}, "x")
		_, b = loads(t, path, Binding{Key: "s"})
		require.False(t, b.Keys().IsInt())
		checkKeys(t, b.Keys(), []string{"3", "1", "x"}, "2")
	}
	for _, path := range typedFiles(t, record(t, schema, "[3,1,3]", `["a",null,"b"]`)) {
		fails(t, path, Binding{Key: "i"}, "row 0", "row 2")
		fails(t, path, Binding{Key: "s"}, "missing")
	}
}

// TestKeyMemory bounds what the keys hold: eight bytes a row and the index.
func TestKeyMemory(t *testing.T) {
	const n = 1 << 20
	live := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := live()
	k := &Keys{}
	for i := range int64(n) {
		if err := k.addInt(i * 7919); err != nil {
			t.Fatal(err)
		}
	}
	held := live() - before
	require.EqualValues(t, n, k.Len())
	require.Less(t, held/n, uint64(24))
	runtime.KeepAlive(k)
}
