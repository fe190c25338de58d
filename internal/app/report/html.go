package report

import (
	"bytes"
	_ "embed" // The page's template, style and script.
	"encoding/base64"
	"fmt"
	"html/template"
	"strconv"
	"strings"
)

//go:embed page.html
var pageText string

//go:embed style.css
var styleText string

//go:embed sort.js
var scriptText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"compare":   compare,
	"bars":      Histogram.bars,
	"ticks":     Histogram.ticks,
	"path":      Concentration.path,
	"halfAt":    Concentration.halfAt,
	"colours":   Heat.colours,
	"unit":      Heat.unit,
	"count":     func(n int64) string { return Count(n) },
	"countInt":  func(n int) string { return Count(int64(n)) },
	"exact":     func(n Number) string { return strconv.FormatFloat(float64(n), 'g', -1, 64) },
	"short":     func(n Number) string { return n.digits(3) },
	"side":      sideOf,
	"percentOf": percentOf,
	"share":     func(part, all int64) string { return (Number(part) / Number(max(all, 1))).Percent() },
	"plus":      func(a, b int) int { return a + b },
	"anchor":    anchor,
	"few":       few,
	"pair":      pair,
	"beyond":    func(n int) int { return max(0, n-maxListed) },
	"rows": func(n int) string {
		if n == 1 {
			return "1 row"
		}
		return Count(int64(n)) + " rows"
	},
	"parts": parts,
	"name":  func(s string) string { return visible(shorten(s)) },
	"deepest": func(s Side) Number {
		var m Number
		for _, r := range s.Rows {
			m = max(m, most(r.Score))
		}
		return m
	},
	"heaviest": func(g Groups) Number {
		var m Number
		for _, r := range g.Rows {
			m = max(m, r.Share)
		}
		return m
	},
	"more": func(s Suspect) string {
		if len(s.Keys) > maxKeys+1 {
			return Count(maxKeys)
		}
		return ""
	},
	"keysLink":   keysLink,
	"heatCell":   func(run, down, across int) string { return anchor(run, fmt.Sprintf("cell-%d-%d", down, across)) },
	"top":        Heat.top,
	"differing":  differing,
	"firstOf":    func(d []difference) []difference { return d[:min(len(d), maxNear)] },
	"beyondNear": func(n int) int { return max(0, n-maxNear) },
	"class":      func(name string) string { return strings.ReplaceAll(name, " ", "-") },
}).Parse(pageText))

// maxListed bounds the fields that are listed in one run of text.
const maxListed = 30

// maxNear bounds the differences of a nearest row.
const maxNear = 12

func few(f []field) []field { return f[:min(len(f), maxListed)] }

// pair gives the first fields of a row their names.
func pair(columns []string, cells []Cell) []field {
	var out []field
	for i := range min(len(columns), len(cells), maxListed) {
		out = append(out, field{columns[i], cells[i]})
	}
	return out
}

// anchor names a place in the page.
func anchor(run int, part string) string {
	return "run" + Count(int64(run+1)) + "-" + part
}

// writeHTML writes the page. html/template escapes all text in it.
func writeHTML(r Report) ([]byte, error) {
	var b bytes.Buffer
	err := page.Execute(&b, struct {
		Report
		Style  template.CSS
		Script template.JS
	}{r, template.CSS(styleText), template.JS(scriptText)})
	return b.Bytes(), err
}

// maxKeys bounds the lines of a CSV inside of the page.
const maxKeys = 1000

// keysLink returns the first keys of a table of suspects as a CSV inside of the
// page; "" where it has none.
func keysLink(s Suspect) template.URL {
	if len(s.Keys) < 2 {
		return ""
	}
	text := csvText(s.Keys[:min(len(s.Keys), maxKeys+1)])
	return template.URL("data:text/csv;charset=utf-8;base64," + base64.StdEncoding.EncodeToString(text))
}

// top returns the train rows of a cell.
func (h Heat) top(down, across int) []HeatRow {
	if down >= len(h.Tops) || across >= len(h.Tops[down]) {
		return nil
	}
	return h.Tops[down][across]
}

// A difference is a field of a train row beside that of the query.
type difference struct {
	Name         string
	Train, Query Cell
}

// differing returns the fields in which a train row differs from the query.
func differing(columns []string, q Query, cells []Cell) []difference {
	var out []difference
	for c, cell := range cells {
		if cell.Differs && c < len(columns) && c < len(q.Fields) {
			out = append(out, difference{columns[c], cell, q.Fields[c]})
		}
	}
	return out
}
