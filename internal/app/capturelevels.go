package app

import (
	"fmt"
	"slices"
	"strings"

	"github.com/infl-dev/infl/influence/capture"
)

// vectorLevels are the levels of captures with vectors of examples.
var vectorLevels = []string{capture.Rows, capture.Grads, capture.Projected, capture.LastLayer}

// wholeLevels are the levels of captures with gradients as they are.
var wholeLevels = []string{capture.Rows, capture.Grads, capture.LastLayer}

// lastLevels are the levels of captures that hold features of a last layer.
var lastLevels = []string{capture.Rows, capture.LastLayer}

// wantLevel returns an error where a side is a capture of none of some levels; who is what
// needs them.
func (s *vectorSide) wantLevel(who string, levels []string) error {
	if s == nil || s.capture == nil || slices.Contains(levels, s.capture.Manifest().Level) {
		return nil
	}
	return fmt.Errorf("%s: is a capture of level %s; %s needs level %s", s.path, s.capture.Manifest().Level, who, alternatives(levels))
}

// alternatives writes names as a, b or c.
func alternatives(names []string) string {
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// checkLevels returns an error where a method, or a flag, does not do with the levels of
// captures.
func (v *vectorInquiry) checkLevels() error {
	type need struct {
		who    string
		levels []string
	}
	var needs []need
	if levels := v.method.vectors.levels; levels != nil {
		needs = append(needs, need{"--method " + v.method.name, levels})
	}
	if v.options.Labels == exactLabels {
		needs = append(needs, need{"--labels exact", []string{capture.Rows, capture.LastLayer}})
	}
	if v.exports {
		needs = append(needs, need{"--export-direction", wholeLevels})
	}
	if v.options.Per == perToken {
		needs = append(needs, need{"--per token", []string{capture.Rows}})
	}
	for _, n := range needs {
		for _, name := range v.sideNames() {
			if err := v.sides()[name].wantLevel(n.who, n.levels); err != nil {
				return err
			}
		}
	}
	return nil
}
