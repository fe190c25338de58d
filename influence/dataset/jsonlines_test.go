package dataset

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestJSONLines(t *testing.T) {
	text := "{\"a\": 1, \"c\": \"r\\u00e9d\"}\n\n {\"b\":null,\"a\":-2.5e1,\"d\":[1,{\"x\":\"}\"}]}\r\n{\"c\":\"x\",\"a\":true,\"b\":\"7\"}"
	c, b := loads(t, write(t, "t.jsonl", []byte(text)), Binding{Features: named("a", "b"), Extra: []string{"c", "d"}})
	equalFloats(t, []float64{1, -25, 1}, c.x[0])
	equalFloats(t, []float64{nan, nan, 7}, c.x[1])
	require.Equal(t, [][]string{{"réd", "", "x"}, {"", `[1,{"x":"}"}]`, ""}}, c.text)
	require.EqualValues(t, 3, b.Keys().Len())
}

func TestJSONLinesErrors(t *testing.T) {
	bad := func(text string, line int64, want ...string) {
		t.Helper()
		e := fails(t, write(t, "t.jsonl", []byte(text)), Binding{Features: named("a")}, want...)
		require.Equal(t, line, e.Line, e.Error())
	}
	bad("{\"a\":1}\n[1]\n", 2, "not valid JSON", "one object per line")
	bad("{\"a\":1}\n{\"a\":1,\n", 2, "not valid JSON")
	bad("{\"a\":1}\n{\"a\":1,\"a\":2}\n", 2, `column "a"`, "twice")
	bad("{\"a\":1}\n{\"a\":01}\n", 2, "not valid JSON")
	bad("{\"a\":1}\n{\"a\":1} x\n", 2, "the end of the line")
	bad("{\"a\":1}\n{\"a\":\"1,5\"}\n", 2, "decimal comma")
	bad("{\"a\":1}\n{\"a\":{}}\n", 2, "array or object")
	bad("{\"a\":1}\n{\"a\":1e999}\n", 2, "range")
}

func TestJSONKeys(t *testing.T) {
	_, b := loads(t, write(t, "t.jsonl", []byte("{\"k\":9007199254740992}\n{\"k\":\"9007199254740993\"}\n{\"k\":-1}\n")), Binding{Key: "k"})
	require.True(t, b.Keys().IsInt())
	require.EqualValues(t, 9007199254740993, b.Keys().Int(1))

	bad := func(key, want string) {
		t.Helper()
		e := fails(t, write(t, "t.jsonl", []byte("{\"k\":1}\n{\"k\":"+key+"}\n")), Binding{Key: "k"}, `column "k"`, want)
		require.EqualValues(t, 2, e.Line)
	}
	bad("9007199254740993", "2^53")
	bad("-9007199254740993", "2^53")
	bad("1.5", "not an integer")
	bad("1e3", "not an integer")
	bad("123456789012345678901234567890", "not an integer")
	bad("null", "missing")
	bad("true", "neither an integer nor text")
}

// TestJSONScanner compares with encoding/json: both accept the same lines and
// find the same members.
func TestJSONScanner(t *testing.T) {
	for _, line := range []string{
		`{}`, ` { } `, `{"a":1}`, `{"a":-0.5E+3,"b":"x\ny","c":[],"d":{"e":{}},"f":null}`, `{"é":"\ud83d\ude00"}`, "{\"a\":\"\xff\"}",
		``, `{`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{"a":1 "b":2}`, `{"a":+1}`, `{"a":1.}`, `{"a":.5}`, `{"a":1e}`, `{"a":nul}`, `{"a":"x}`, "{\"a\":\"\t\"}", `{"a":"\q"}`, `{"a":[1,}`, `{}{}`, `[]`, `{"a\":1}`, `{"a":-}`,
	} {
		compareJSON(t, line)
	}
}

func compareJSON(t *testing.T, line string) {
	t.Helper()
	var want map[string]json.RawMessage
	wantErr := json.Unmarshal([]byte(line), &want)
	got := make(map[string]cell)
	s := jsonScanner{line: []byte(line)}
	err := s.object(func(name []byte, c cell) error {
		got[string(name)] = c
		return nil
	})
	require.Equal(t, wantErr == nil && want != nil, err == nil, "%q: %v, %v", line, wantErr, err)
	if err != nil {
		return
	}
	require.Len(t, got, len(want), "%q", line)
	for name, raw := range want {
		c, ok := got[name]
		require.True(t, ok, "%q lacks %q", line, name)
		if c.kind == textCell {
			var text string
			require.NoError(t, json.Unmarshal(raw, &text))
			require.Equal(t, text, c.text)
		}
	}
}
