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

func md(s string) string { return markdownText.Replace(s) }

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
		m.line("# %s\n", md(run.Title))
		m.verdict(run.Verdict)
		if run.Queries != nil {
			m.queries(*run.Queries)
		}
		if run.Whole != nil {
			m.whole(*run.Whole)
		}
		if len(run.Suspects) > 0 || run.Twins != nil {
			m.line("## Suspects\n")
		}
		for _, s := range run.Suspects {
			m.suspect(s)
		}
		if run.Twins != nil {
			m.twins(*run.Twins)
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
		m.line("### %s\n", md(query.Key))
		for _, f := range []Fact{{"predicted", query.Prediction}, {"label", query.Label}, {"group", query.Group}} {
			if f.Value != "" {
				m.line("* %s: %s", f.Name, md(f.Value))
			}
		}
		if query.Loss != nil {
			m.line("* loss: %s", *query.Loss)
		}
		for c, f := range query.Fields {
			m.line("* %s = %s", md(q.Columns[c]), md(f.String()))
		}
		for _, a := range query.Answers {
			m.answer(q.Columns, query, a)
		}
	}
}

func (m *markdown) answer(columns []string, q Query, a Answer) {
	if a.Output != "" {
		m.line("\n#### output %s", md(a.Output))
	}
	var rows [][]string
	for _, s := range a.Sides {
		for _, r := range s.Rows {
			var differs []string
			for c, f := range r.Fields {
				if f.Differs {
					differs = append(differs, fmt.Sprintf("%s %s≠%s", columns[c], f, q.Fields[c]))
				}
			}
			rows = append(rows, []string{s.Name, fmt.Sprint(r.Rank), r.Key, r.Score.String(), r.Share.Percent(), r.Label, strings.Join(differs, ", ")})
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
	m.table([]string{"from", "to", "train rows"}, rows)
	if w.Groups == nil {
		return
	}
	rows = nil
	for _, g := range w.Groups.Rows {
		rows = append(rows, []string{g.Name, Count(g.Rows), g.RowShare.Percent(), g.Net.String(), g.Share.Percent()})
	}
	m.table([]string{w.Groups.By, "rows", "of all rows", "net score", "of the absolute score"}, rows)
}

func (m *markdown) suspect(s Suspect) {
	m.line("### %s\n\n%s\n", md(s.Title), md(s.Rule))
	if len(s.Rows) == 0 {
		m.line("None.\n")
		return
	}
	var rows [][]string
	for _, r := range s.Rows {
		cells := []string{r.Key, r.Label}
		for _, e := range r.Evidence {
			cells = append(cells, e.Text)
		}
		rows = append(rows, cells)
	}
	m.table(append([]string{"train row", "label"}, s.Evidence...), rows)
}

func (m *markdown) twins(t Twins) {
	m.line("### Equal rows\n\n%s\n", md(t.Rule))
	if len(t.Sets) == 0 {
		m.line("None.\n")
	}
	for _, set := range t.Sets {
		var parts []string
		for _, x := range set {
			parts = append(parts, strings.TrimSpace(x.Side+" "+x.Key+" "+x.Label))
		}
		text := md(strings.Join(parts, " = "))
		if set.Disagree() {
			text += "; labels disagree"
		}
		m.line("* %s", text)
	}
	m.line("")
}

func (m *markdown) heat(h Heat) {
	m.line("## Heat map\n\n%s\n", md(h.Rule))
	var rows [][]string
	for i, name := range h.Rows {
		cells := []string{name}
		for _, v := range h.Cells[i] {
			cells = append(cells, v.String())
		}
		rows = append(rows, cells)
	}
	m.table(append([]string{h.Down + " ↓ " + h.Across + " →"}, h.Columns...), rows)
}

func (m *markdown) card(c Card) {
	m.line("## Card\n\n```\n%s\n```", c.Replay)
	var rows [][]string
	for _, in := range c.Inputs {
		rows = append(rows, []string{in.Role, in.Name, Count(in.Bytes), in.XXH3})
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
