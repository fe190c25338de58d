package report

import (
	"bytes"
	_ "embed" // The page's template, style and script.
	"html/template"
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
	"count":     func(n int64) string { return Count(n) },
	"countInt":  func(n int) string { return Count(int64(n)) },
	"side":      sideOf,
	"percentOf": percentOf,
	"share":     func(part, all int64) string { return (Number(part) / Number(max(all, 1))).Percent() },
	"plus":      func(a, b int) int { return a + b },
	"anchor":    anchor,
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
	"class": func(name string) string { return strings.ReplaceAll(name, " ", "-") },
}).Parse(pageText))

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
