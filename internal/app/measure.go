package app

import (
	"runtime"
	"runtime/debug"
	"time"
)

// A measurement collects what a run took; it goes into run.json's measured.
type measurement struct {
	started, last time.Time
	laps          map[string]float64
}

func newMeasurement(started time.Time) *measurement {
	return &measurement{started: started, last: started, laps: make(map[string]float64)}
}

// lap ends a stage.
func (m *measurement) lap(name string) {
	now := time.Now()
	m.laps[name+"_seconds"] = now.Sub(m.last).Seconds()
	m.last = now
}

func (m *measurement) values(pairs int64) map[string]any {
	out := map[string]any{
		"total_seconds": time.Since(m.started).Seconds(),
		"cpu_path":      "generic", "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH,
		"cpus": runtime.GOMAXPROCS(0),
	}
	for k, v := range m.laps {
		out[k] = v
	}
	if s := m.laps["score_seconds"]; s > 0 {
		out["pairs_per_second"] = float64(pairs) / s
	}
	return out
}

// BuildVersion returns the version that the Go tool has stamped into the
// binary, or "devel".
func BuildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}
