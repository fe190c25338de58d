package report

import (
	"bytes"
	"fmt"
	"strings"
)

// markdownText keeps text from being read as Markdown or HTML.
var markdownText = strings.NewReplacer(
	"\\", "\\\\", "`", "\\`", "*", "\\*", "_", "\\_", "[", "\\[", "]", "\\]", "<", "&lt;", ">", "&gt;", "&", "&amp;",
	"|", "\\|", "#", "\\#", "~", "\\~", "!", "\\!", "\r", " ", "\n", " ",
)

func md(s string) string { return markdownText.Replace(visible(s)) }

// name writes a key, a label or a name, which may be of any length.
func name(s string) string { return md(shorten(s)) }

// A markdown is a page that is being written.
type markdown struct{ bytes.Buffer }

func (m *markdown) line(format string, args ...any) { fmt.Fprintf(m, format+"\n", args...) }

// table writes escaped cells.
func (m *markdown) table(heads []string, rows [][]string) {
	write := func(cells []string) {
		m.WriteByte('|')
		for _, c := range cells {
			m.WriteString(" " + md(c) + " |")
		}
		m.WriteByte('\n')
	}
	m.WriteByte('\n')
	write(heads)
	m.WriteString(strings.Repeat("|---", len(heads)) + "|\n")
	for _, r := range rows {
		write(r)
	}
	m.WriteByte('\n')
}

func writeMarkdown(r Report) []byte {
	m := new(markdown)
	for _, run := range r.Runs {
		m.line("# %s\n", name(run.Title))
		m.verdict(run.Verdict)
		if run.Queries != nil {
			m.queries(*run.Queries)
		}
		if run.Whole != nil {
			m.whole(*run.Whole)
		}
		if len(run.Suspects) > 0 {
			m.line("## Suspects\n")
		}
		for _, s := range run.Suspects {
			m.suspect(s)
		}
		if run.Heat != nil {
			m.heat(*run.Heat)
		}
		m.card(run.Card)
	}
	return m.Bytes()
}

func (m *markdown) verdict(v Verdict) {
	m.line("%s\n\n%s\n", md(v.Summary), md(v.Question))
	m.line("* score &gt; 0: %s", md(v.Positive))
	if v.Negative != "" {
		m.line("* score &lt; 0: %s", md(v.Negative))
	}
	var rows [][]string
	for _, c := range v.Checks {
		rows = append(rows, []string{c.Name, string(c.Result), c.Detail})
	}
	m.table([]string{"check", "result", "detail"}, rows)
	for _, f := range v.Facts {
		m.line("* %s: %s", md(f.Name), md(f.Value))
	}
	for _, kind := range []struct {
		name  string
		lines []string
	}{{"Warning", v.Warnings}, {"Approximation", v.Approximations}, {"Note", v.Notes}} {
		for _, text := range kind.lines {
			m.line("* %s: %s", kind.name, md(text))
		}
	}
	m.line("")
}

func (m *markdown) queries(q Queries) {
	m.line("## Queries\n\n%s\n", md(q.Rule))
	if q.LeftOut > 0 {
		m.line("%d of the chosen queries are left out to keep the page small.\n", q.LeftOut)
	}
	for _, query := range q.List {
		m.line("### %s\n", name(query.Key))
		for _, f := range []Fact{{"predicted", query.Prediction}, {"label", query.Label}, {"group", query.Group}} {
			if f.Value != "" {
				m.line("* %s: %s", f.Name, name(f.Value))
			}
		}
		if query.Loss != nil {
			m.line("* loss: %s", *query.Loss)
		}
		for c, f := range query.Fields {
			m.line("* %s = %s", name(q.Columns[c]), md(f.String()))
		}
		for _, a := range query.Answers {
			m.answer(q.Columns, query, a)
		}
		m.nearest(q, query)
	}
}

func (m *markdown) nearest(q Queries, query Query) {
	if len(query.Nearest) == 0 {
		return
	}
	m.line("Nearest by the trees in which a train row shares the query’s leaf, of %s:", Count(int64(q.Trees)))
	var rows [][]string
	for _, near := range query.Nearest {
		rows = append(rows, []string{shorten(near.Key), Count(int64(near.Trees)), shorten(near.Label), differences(q.Columns, query, near.Fields)})
	}
	m.table([]string{"train row", "shared leaves", "label", "differs"}, rows)
}

// differences writes the fields in which a train row differs from the query.
func differences(columns []string, q Query, cells []Cell) string {
	var out []string
	for _, d := range differing(columns, q, cells) {
		out = append(out, fmt.Sprintf("%s %s≠%s", shorten(d.Name), d.Train, d.Query))
	}
	return strings.Join(out, ", ")
}

func (m *markdown) answer(columns []string, q Query, a Answer) {
	if about := a.About(); about != "" {
		m.line("\n#### %s", name(about))
	}
	var rows [][]string
	for _, s := range a.Sides {
		for _, r := range s.Rows {
			rows = append(rows, []string{s.Name, fmt.Sprint(r.Rank), shorten(r.Key), r.Score.String(), r.Share.Percent(), shorten(r.Label), differences(columns, q, r.Fields)})
		}
	}
	if len(rows) == 0 {
		m.line("\nNo train row has any influence here.\n")
		return
	}
	m.table([]string{"side", "rank", "train row", "score", "share", "label", "differs"}, rows)
}

func (m *markdown) whole(w Whole) {
	m.line("## Whole set\n\n%s\n", md(w.What))
	c := w.Concentration
	if c.Half > 0 {
		m.line("Half of the absolute score lies on %s of %s rows, nine tenths on %s; %s rows have none.\n", Count(c.Half), Count(c.Rows), Count(c.Ninety), Count(c.Zero))
	}
	h := w.Histogram
	var rows [][]string
	for i, n := range h.Bins {
		if n > 0 {
			rows = append(rows, []string{h.Edge(i).digits(3), h.Edge(i + 1).digits(3), Count(n)})
		}
	}
	m.table([]string{w.Number + " from", "to", "train rows"}, rows)
	if w.Groups == nil {
		return
	}
	rows = nil
	for _, g := range w.Groups.Rows {
		rows = append(rows, []string{shorten(g.Name), Count(g.Rows), g.RowShare.Percent(), g.Net.String(), g.Share.Percent()})
	}
	m.table([]string{shorten(w.Groups.By), "rows", "of all rows", "net " + w.Number, "of the absolute score"}, rows)
}

func (m *markdown) suspect(s Suspect) {
	m.line("### %s\n\n%s\n", md(s.Title), md(s.Rule))
	if len(s.Rows) == 0 {
		m.line("None.\n")
		return
	}
	var rows [][]string
	if s.Found > len(s.Rows) {
		m.line("%s meet this, the first %d are shown; all are in %s.\n", Count(int64(s.Found)), len(s.Rows), s.File)
	}
	for _, r := range s.Rows {
		cells := []string{shorten(r.Key), shorten(r.Label)}
		for _, e := range r.Evidence {
			cells = append(cells, shorten(e.Text))
		}
		rows = append(rows, cells)
	}
	m.table(append([]string{"train row", "label"}, s.Evidence...), rows)
}

func (m *markdown) heat(h Heat) {
	m.line("## Heat map\n\n%s\n", md(h.Rule))
	var rows, tops [][]string
	for i, group := range h.Rows {
		cells := []string{shorten(group)}
		for j, v := range h.Cells[i] {
			cells = append(cells, v.String())
			for _, r := range h.top(i, j) {
				tops = append(tops, []string{shorten(group), shorten(h.Columns[j]), shorten(r.Key), shorten(r.Label), r.Score.String()})
			}
		}
		rows = append(rows, cells)
	}
	heads := []string{shorten(h.Down) + " ↓ " + shorten(h.Across) + " →"}
	for _, group := range h.Columns {
		heads = append(heads, shorten(group))
	}
	m.table(heads, rows)
	if len(tops) > 0 {
		m.line("The train rows that do most in each cell:")
		m.table([]string{shorten(h.Down), shorten(h.Across), "train row", "label", "score per query"}, tops)
	}
}

func (m *markdown) card(c Card) {
	m.line("## Card\n\n```\n%s\n```", c.Replay)
	var rows [][]string
	for _, in := range c.Inputs {
		rows = append(rows, []string{in.Role, shorten(in.Name), Count(in.Bytes), in.XXH3})
	}
	for _, f := range c.Files {
		rows = append(rows, []string{"result", f.Name, Count(f.Bytes), f.XXH3})
	}
	m.table([]string{"input", "file", "bytes", "fingerprint"}, rows)
	for _, f := range c.Facts {
		m.line("* %s: %s", md(f.Name), md(f.Value))
	}
	m.line("\n### Limits\n")
	for _, l := range c.Limits {
		m.line("* %s", md(l))
	}
	m.line("")
}
