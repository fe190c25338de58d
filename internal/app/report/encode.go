package report

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Formats are the forms that [Encode] writes.
var Formats = []string{"html", "md", "json"}

// Encode writes a report in one of the [Formats], in at most limit bytes. Where
// it is longer, it shows fewer queries, half as many each time, and says so; an
// error means that the page does not fit even without any.
func Encode(r Report, format string, limit int64) ([]byte, error) {
	most := 0
	for _, run := range r.Runs {
		if run.Queries != nil {
			most = max(most, len(run.Queries.List))
		}
	}
	for {
		page, err := encode(r.head(most), format)
		if err != nil {
			return nil, err
		}
		switch {
		case int64(len(page)) <= limit:
			return page, nil
		case most == 0:
			return nil, fmt.Errorf("the report has %s bytes without any query; it must not exceed %s", Count(int64(len(page))), Count(limit))
		}
		most /= 2
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

// head returns the report with at most n queries in each run.
func (r Report) head(n int) Report {
	runs := make([]Run, len(r.Runs))
	for i, run := range r.Runs {
		runs[i] = run
		if q := run.Queries; q != nil && len(q.List) > n {
			few := *q
			few.List, few.LeftOut = q.List[:n], len(q.List)-n
			runs[i].Queries = &few
		}
	}
	r.Runs = runs
	return r
}
