package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// Formats are the forms that [Encode] writes.
var Formats = []string{"html", "md", "json"}

// Encode writes a report in one of the [Formats], in at most limit bytes. Where
// it is longer, it first leaves out the keys of suspects inside the page, then
// shows fewer queries and fewer train rows in each cell of the heat map, half as
// many each time, and says so; an error means that the page does not fit even
// without any.
func Encode(r Report, format string, limit int64) ([]byte, error) {
	most, keys := 0, true
	for _, run := range r.Runs {
		if run.Queries != nil {
			most = max(most, len(run.Queries.List))
		}
		if run.Heat != nil {
			most = max(most, run.Heat.deepestCell())
		}
	}
	for {
		page, err := encode(r.head(most, keys), format)
		if err != nil {
			return nil, err
		}
		switch {
		case int64(len(page)) <= limit:
			return page, nil
		case keys:
			keys = false
		case most == 0:
			return nil, fmt.Errorf("the report has %s bytes without any query; it must not exceed %s", Count(int64(len(page))), Count(limit))
		default:
			most /= 2
		}
	}
}

func encode(r Report, format string) ([]byte, error) {
	switch format {
	case "html":
		return writeHTML(r)
	case "md":
		return writeMarkdown(r), nil
	case "json":
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetIndent("", " ")
		err := e.Encode(r)
		return b.Bytes(), err
	}
	return nil, fmt.Errorf("a report has no format %q", format)
}

// head returns the report with at most n queries in each run and n train rows in
// each cell of a heat map; without keys, tables of suspects keep what they show.
func (r Report) head(n int, keys bool) Report {
	runs := make([]Run, len(r.Runs))
	for i, run := range r.Runs {
		if q := run.Queries; q != nil && len(q.List) > n {
			few := *q
			few.List, few.LeftOut = q.List[:n], len(q.List)-n
			run.Queries = &few
		}
		if h := run.Heat; h != nil && h.deepestCell() > n {
			few := h.head(n)
			run.Heat = &few
		}
		if !keys {
			run.Suspects = slices.Clone(run.Suspects)
			for k := range run.Suspects {
				run.Suspects[k].Keys = nil
			}
		}
		runs[i] = run
	}
	r.Runs = runs
	return r
}

// deepestCell is the largest number of train rows in a cell.
func (h Heat) deepestCell() int {
	n := 0
	for _, row := range h.Tops {
		for _, cell := range row {
			n = max(n, len(cell))
		}
	}
	return n
}

// head returns the map with at most n train rows in each cell.
func (h Heat) head(n int) Heat {
	all := h.Tops
	h.Tops = nil
	if n == 0 {
		return h
	}
	h.Rule += fmt.Sprintf(" To keep the page small, a cell has at most %d train rows.", n)
	h.Tops = make([][][]HeatRow, len(all))
	for d, row := range all {
		for _, cell := range row {
			h.Tops[d] = append(h.Tops[d], cell[:min(n, len(cell))])
		}
	}
	return h
}
