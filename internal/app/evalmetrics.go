package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/sink"
)

// metricsName is the file of an evaluation's numbers.
const metricsName = "metrics.json"

// A metric is a number that may be undefined: NaN is null in JSON.
type metric float64

// MarshalJSON implements json.Marshaler.
func (m metric) MarshalJSON() ([]byte, error) {
	if v := float64(m); math.IsNaN(v) || math.IsInf(v, 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(m))
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *metric) UnmarshalJSON(b []byte) error {
	*m = metric(math.NaN())
	if string(b) == "null" {
		return nil
	}
	return json.Unmarshal(b, (*float64)(m))
}

// value returns what is printed: nil where the metric is undefined.
func (m metric) value() any {
	if math.IsNaN(float64(m)) {
		return nil
	}
	return float64(m)
}

// metrics is metrics.json.
type metrics struct {
	Schema   int               `json:"schema"`
	Protocol string            `json:"protocol"`
	Method   string            `json:"method"`
	Metrics  map[string]metric `json:"metrics"`
	Settings map[string]any    `json:"settings"` // what the metrics depend on, such as subsets and repeats
}

func readMetrics(path string) (m metrics, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return m, fmt.Errorf("%s is damaged: %w", path, err)
	}
	return m, nil
}

// names returns the names of the metrics in the order of their protocol.
func (m metrics) names() []string {
	p, err := findProtocol(m.Protocol)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(p.metrics), func(name string) bool { _, ok := m.Metrics[name]; return !ok })
}

// gate returns a *GateError where a metric is smaller than asked for, or undefined.
func (m metrics) gate(failUnder []string) error {
	p, err := findProtocol(m.Protocol)
	if err != nil {
		return err
	}
	gates, err := parseGates(failUnder, p)
	if err != nil {
		return err
	}
	var failed []string
	for _, name := range m.names() {
		least, asked := gates[name]
		if v := float64(m.Metrics[name]); asked && !(v >= least) {
			failed = append(failed, fmt.Sprintf("%s is %s, below %v", name, cellText(v, true), least))
		}
	}
	if len(failed) > 0 {
		return &GateError{fmt.Errorf("%s", strings.Join(failed, "; "))}
	}
	return nil
}

// parseGates reads NAME=X of metrics that a protocol has.
func parseGates(failUnder []string, p *protocol) (map[string]float64, error) {
	out := map[string]float64{}
	for _, g := range failUnder {
		name, text, ok := strings.Cut(g, "=")
		v, err := strconv.ParseFloat(text, 64)
		switch {
		case !ok || err != nil || math.IsNaN(v):
			return nil, fmt.Errorf("--fail-under %q is not NAME=X, such as %s=0.5", g, p.metrics[0])
		case !slices.Contains(p.metrics, name):
			return nil, fmt.Errorf("--fail-under %s: protocol %s has no such metric; %s", name, p.name, suggest(name, p.metrics))
		}
		out[name] = v
	}
	return out, nil
}

// findings are what an evaluation writes.
type findings struct {
	metrics metrics
	series  *Table
	arrays  map[string]array // files that another evaluation can begin with
}

// An array is a .npy file.
type array struct {
	dtype string
	dataset.Numbers
}

func (f *findings) write(run *sink.Run) error {
	for _, name := range slices.Sorted(maps.Keys(f.arrays)) {
		a := f.arrays[name]
		if err := run.WriteOutput(name, func(w io.Writer) error { return a.Write(w, a.dtype) }); err != nil {
			return err
		}
	}
	if err := writeSeries(run, f.metrics.Protocol, f.series); err != nil {
		return err
	}
	return run.WriteOutput(metricsName, func(w io.Writer) error {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetIndent("", "  ")
		if err := e.Encode(f.metrics); err != nil {
			return err
		}
		_, err := w.Write(b.Bytes())
		return err
	})
}
