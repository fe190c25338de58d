package report

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strconv"
)

// A File is a CSV with the numbers of a figure or the rows of a table.
type File struct {
	Name string
	Text []byte
}

// Series returns the numbers behind the figures of a report as CSV files, one for
// each histogram, concentration curve, table by group and heat map, and all rows of
// each table of suspects. Names of several runs begin with run1-, run2- and so on.
func Series(r Report) []File {
	var out []File
	for n, run := range r.Runs {
		prefix := ""
		if len(r.Runs) > 1 {
			prefix = fmt.Sprintf("run%d-", n+1)
		}
		add := func(name string, lines [][]string) {
			out = append(out, File{prefix + name, csvText(lines)})
		}
		if w := run.Whole; w != nil {
			add("histogram.csv", w.Histogram.lines())
			add("concentration.csv", w.Concentration.lines())
			if w.Groups != nil {
				add("groups.csv", w.Groups.lines())
			}
		}
		for _, s := range run.Suspects {
			add(s.File, s.Keys)
		}
		if run.Heat != nil {
			add("heat-map.csv", run.Heat.lines())
		}
	}
	return out
}

// csvText writes lines as RFC 4180 has them, ended by a line feed.
func csvText(lines [][]string) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	for _, l := range lines {
		_ = w.Write(l) // A bytes.Buffer takes everything.
	}
	w.Flush()
	return b.Bytes()
}

// exact writes a number with all its digits; a number that is not finite is empty.
func (n Number) exact() string {
	if text, err := n.MarshalJSON(); err == nil && string(text) != "null" {
		return string(text)
	}
	return ""
}

func (h Histogram) lines() [][]string {
	out := [][]string{{"from", "to", "train_rows"}}
	for i, n := range h.Bins {
		out = append(out, []string{h.Edge(i).exact(), h.Edge(i + 1).exact(), strconv.FormatInt(n, 10)})
	}
	return out
}

func (c Concentration) lines() [][]string {
	out := [][]string{{"share_of_rows", "share_of_absolute_score"}}
	for _, p := range c.Curve {
		out = append(out, []string{p.X.exact(), p.Y.exact()})
	}
	return out
}

func (g Groups) lines() [][]string {
	out := [][]string{{g.By, "train_rows", "row_share", "net", "abs_share"}}
	for _, r := range g.Rows {
		out = append(out, []string{r.Name, strconv.FormatInt(r.Rows, 10), r.RowShare.exact(), r.Net.exact(), r.Share.exact()})
	}
	return out
}

func (h Heat) lines() [][]string {
	out := [][]string{{h.Down, h.Across, "score_per_query"}}
	for d, row := range h.Cells {
		for a, v := range row {
			out = append(out, []string{h.Rows[d], h.Columns[a], v.exact()})
		}
	}
	return out
}
