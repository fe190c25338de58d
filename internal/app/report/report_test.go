package report

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const hostile = `<script>alert(1)</script>"'><img src=x onerror=alert(2)>{{.}}</style>|a\` + "`[x](javascript:alert(3))\n# head"

// sample returns a report in which every text is the given one and in which
// each side of each query has so many train rows.
func sample(text string, queries, up, down, outputs int) Report {
	loss := Number(1.5)
	changed := NewCell(text + "!")
	changed.Differs = true
	side := func(n int, sign Number) Side {
		s := Side{Name: text, Means: text, Kept: n, Share: 0.5, Rows: []TrainRow{}}
		for i := range n {
			s.Rows = append(s.Rows, TrainRow{
				Rank: int32(i + 1), Key: text, Row: int64(i), Score: sign / Number(i+1), Share: 0.1, Label: text,
				Fields: []Cell{changed, NewCell(text)},
			})
		}
		return s
	}
	q := &Queries{Rule: text, Total: int64(queries), Trees: 7, Columns: []string{text, text + "2"}, HasLabels: true, Ends: [2]string{text, text}, List: []Query{}}
	for i := range queries {
		x := Query{Key: text, Row: int64(i), Label: text, Prediction: text, Loss: &loss, Group: text, Fields: []Cell{NewCell(text), NewCell(text)}}
		x.Nearest = []Near{{text, 3, 6, text, []Cell{changed, NewCell(text)}}, {text, 4, 5, text, nil}}
		for o := range outputs {
			a := Answer{Sides: [2]Side{side(up, 1), side(down, -1)}}
			if outputs > 1 {
				a.Output = fmt.Sprint(text, o)
			}
			x.Answers = append(x.Answers, a)
		}
		q.List = append(q.List, x)
	}
	values := []float64{-3, -1, 0, 0, 1, 2, math.Inf(1), math.NaN()}
	return Report{Schema: Schema, Version: text, Runs: []Run{{
		Title: text,
		Verdict: Verdict{
			Summary: text, Question: text, Positive: text, Negative: text,
			Checks:   []Check{{text, Passed, text}, {text, Failed, text}, {text, NotChecked, text}},
			Facts:    []Fact{{text, text}},
			Warnings: []string{text}, Approximations: []string{text}, Notes: []string{text},
		},
		Queries: q,
		Whole: &Whole{What: text, Number: text, Histogram: NewHistogram(values), Concentration: NewConcentration(values), Groups: &Groups{
			By: text, Rows: []Group{{text, 3, 0.5, -1, 0.25}, {text, 3, 0.5, Number(math.NaN()), 0}},
		}},
		Suspects: []Suspect{{
			Title: text, Rule: text, Evidence: []string{text, text}, Columns: []string{text}, Found: 3, File: "suspects.csv",
			Rows: []SuspectRow{{text, 1, text, []Evidence{Counted(3), {Text: text}}, []Cell{NewCell(text)}}},
			Keys: [][]string{{"train_key", "label"}, {text, text}, {text, text}, {text, text}},
		}, {Title: text, Rule: text, File: "none.csv", Keys: [][]string{{"train_key"}}, Rows: []SuspectRow{}}},
		Heat: &Heat{
			Down: text, Across: text, Rule: text, Rows: []string{text, text}, Columns: []string{text, text}, Fields: []string{text},
			Cells: [][]Number{{1e-7, -2e-5}, {Number(math.NaN()), 0}},
			Tops:  [][][]HeatRow{{{{text, 1, text, 1e-7, []Cell{NewCell(text)}}}, {}}, {{}, {}}},
		},
		Card: Card{
			Replay: "infl score --replay RUN/run.json --out NEW", Inputs: []Input{{text, text, 5, text}},
			Facts: []Fact{{text, text}}, Files: []Input{{text, text, 5, text}}, Limits: []string{text},
		},
	}}}
}

const wide = 5_000_000

func render(t *testing.T, r Report, format string) string {
	t.Helper()
	page, err := Encode(r, format, wide)
	require.NoError(t, err)
	return string(page)
}

var tag = regexp.MustCompile(`</?[a-zA-Z!][^>]*>`)

// TestHostileTextChangesNoMarkup compares the tags of a page of hostile texts
// with those of the same page of plain ones.
func TestHostileTextChangesNoMarkup(t *testing.T) {
	markup := func(text string) []string {
		var out []string
		for _, m := range tag.FindAllString(render(t, sample(text, 2, 2, 1, 2), "html"), -1) {
			name := regexp.MustCompile(`^</?[a-zA-Z0-9!]+`).FindString(m)
			if name != "<wbr" {
				out = append(out, name)
			}
		}
		return out
	}
	assert.Equal(t, markup("plain"), markup(hostile))
	page := render(t, sample(hostile, 2, 2, 1, 2), "html")
	assert.NotContains(t, page, "<script>alert")
	assert.NotContains(t, page, "<img")
	assert.Equal(t, 1, strings.Count(page, "<script>"))
}

func TestHostileTextStaysOnItsLineOfMarkdown(t *testing.T) {
	plain, bad := render(t, sample("plain", 2, 2, 1, 2), "md"), render(t, sample(hostile, 2, 2, 1, 2), "md")
	assert.Equal(t, strings.Count(plain, "\n"), strings.Count(bad, "\n"))
	assert.NotContains(t, bad, "<script>")
	assert.NotContains(t, bad, "<img")
	assert.NotRegexp(t, `[^\\]\[x\]`, bad)
	bars := func(page string) int { return len(regexp.MustCompile(`(^|[^\\])\|`).FindAllString(page, -1)) }
	assert.Equal(t, bars(plain), bars(bad))
}

func TestJSONHoldsTextsAsTheyAre(t *testing.T) {
	var r Report
	require.NoError(t, json.Unmarshal([]byte(render(t, sample(hostile, 1, 1, 1, 1), "json")), &r))
	q := r.Runs[0].Queries.List[0]
	assert.Equal(t, hostile, q.Answers[0].Sides[0].Rows[0].Key)
	assert.Equal(t, NewCell(hostile), q.Fields[0])
	assert.InDelta(t, 1.5, float64(*q.Loss), 0)
}

// TestPageStandsAlone finds everything by which a page could ask for something
// else.
func TestPageStandsAlone(t *testing.T) {
	page := render(t, sample("plain", 3, 2, 2, 1), "html")
	assert.NotRegexp(t, `(?i)https?:|//[a-z]|@import|url\(|<link|<iframe|<img|\bsrc=|xmlns`, page)
	assert.Regexp(t, `default-src 'none'`, page)
	for _, m := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if strings.HasPrefix(m[1], "data:text/csv;") {
			continue
		}
		require.True(t, strings.HasPrefix(m[1], "#"), m[1])
		assert.Contains(t, page, `id="`+m[1][1:]+`"`)
	}
}

func TestSameReportGivesSameBytes(t *testing.T) {
	for _, format := range Formats {
		one, other := render(t, sample("x", 3, 2, 1, 2), format), render(t, sample("x", 3, 2, 1, 2), format)
		assert.True(t, one == other, format)
	}
}

func TestPageStaysBelowItsLimit(t *testing.T) {
	r := sample("some text", 40, 5, 5, 1)
	for _, format := range Formats {
		whole, least := len(render(t, r, format)), len(render(t, r.head(0, false), format))
		for _, limit := range []int{whole, whole - 1, (whole + least) / 2, least + 200} {
			page, err := Encode(r, format, int64(limit))
			require.NoError(t, err, format)
			assert.LessOrEqual(t, len(page), limit)
			if limit < whole && format != "json" {
				said := strings.Contains(string(page), "left out to keep the page small") || strings.Contains(string(page), "suspects.csv beside the page")
				assert.True(t, said, "%s of %d bytes", format, limit)
			}
		}
		_, err := Encode(r, format, int64(least)/2)
		assert.ErrorContains(t, err, "without any query", format)
	}
	assert.Len(t, r.Runs[0].Queries.List, 40, "the report itself is not cut")
	assert.Len(t, r.Runs[0].Suspects[0].Keys, 4)
	assert.Len(t, r.Runs[0].Heat.Tops[0][0], 1)
}

func TestSidesWithoutRows(t *testing.T) {
	for _, n := range [][3]int{{0, 0, 1}, {3, 0, 1}, {0, 3, 1}, {0, 0, 3}, {1, 1, 0}} {
		for _, format := range Formats {
			page := render(t, sample("x", 1, n[0], n[1], n[2]), format)
			if n[0]+n[1] == 0 && format != "json" {
				assert.Equal(t, n[2], strings.Count(page, "No train row has any influence here"), "%v %s", n, format)
			}
		}
	}
}

func TestPartsMayBeMissing(t *testing.T) {
	r := Report{Runs: []Run{{Title: "bare", Whole: &Whole{}, Heat: &Heat{}}, {Title: "barer"}}}
	for _, format := range Formats {
		page := render(t, r, format)
		assert.Contains(t, page, "bare")
		assert.Contains(t, page, "barer")
	}
}

func TestUnknownFormat(t *testing.T) {
	_, err := Encode(Report{}, "pdf", wide)
	assert.ErrorContains(t, err, "pdf")
}

// TestLongAndTurningTextsAreShownCutAndVisible wants no text of any length and no
// mark that turns the writing around in the page.
func TestLongAndTurningTextsAreShownCutAndVisible(t *testing.T) {
	long, turning := strings.Repeat("x", 100_000), "a\u202etxt.exe\u2066\x00\xff"
	for _, format := range []string{"html", "md"} {
		plain := len(render(t, sample("x", 2, 2, 1, 2), format))
		assert.Less(t, len(render(t, ofTable(long), format)), plain+100_000, format)
		page := render(t, ofTable(turning), format)
		for _, c := range []string{"\u202e", "\u2066", "\x00", "\xff"} {
			assert.False(t, strings.Contains(page, c), "%q in %s", c, format)
		}
		assert.True(t, strings.Contains(page, "u202etxt.exe"), format)
		assert.True(t, strings.Contains(render(t, ofTable(long), format), "99,840 characters"), format)
	}
	assert.Equal(t, `a\u202eb`, visible("a\u202eb"))
	assert.Equal(t, "a\tb\u200dc", visible("a\tb\u200dc"))
}

// ofTable is a sample in which the given text stands wherever a table, and not the
// program, has the words.
func ofTable(text string) Report {
	r := sample(text, 2, 2, 1, 2)
	run := &r.Runs[0]
	r.Version, run.Verdict, run.Whole.What, run.Whole.Number, run.Heat.Rule, run.Queries.Rule = "", Verdict{}, "", "", "", ""
	run.Queries.Ends = [2]string{}
	for i := range run.Queries.List {
		for k := range run.Queries.List[i].Answers {
			sides := &run.Queries.List[i].Answers[k].Sides
			sides[0].Name, sides[1].Name, sides[0].Means, sides[1].Means = "", "", "", ""
		}
	}
	for i := range run.Suspects {
		run.Suspects[i].Title, run.Suspects[i].Rule, run.Suspects[i].Evidence = "", "", []string{"a", "b"}
		run.Suspects[i].Keys = nil
	}
	run.Card = Card{Inputs: []Input{{"train", text, 5, ""}}}
	return r
}
