package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// A protocol is a way to find out how good scores are.
type protocol struct {
	name    string
	metrics []string // in the order in which they are printed
	flags   []string // that it depends on, of those that not every protocol has
	matrix  bool     // reads the scores of all pairs

	validate  func(o *EvalOptions) error
	trainings func(ctx context.Context, e *evaluation) (int64, error) // at most
	evaluate  func(ctx context.Context, e *evaluation) (*findings, error)
}

// protocols lists what exists. It is a function because protocols look each other up.
func protocols() []*protocol {
	return []*protocol{looProtocol, ldsProtocol, noiseProtocol, removalProtocol, setRemovalProtocol}
}

// laterProtocols are named in the contract and not built yet.
var laterProtocols = []string{"edit", "set-edit", "subset"}

// ProtocolNames returns the names of the protocols that exist.
func ProtocolNames() []string {
	var names []string
	for _, p := range protocols() {
		names = append(names, p.name)
	}
	return names
}

func findProtocol(name string) (*protocol, error) {
	for _, p := range protocols() {
		if p.name == name {
			return p, nil
		}
	}
	switch {
	case name == "":
		return nil, fmt.Errorf("--protocol is needed: one of %s", joinNames(ProtocolNames()))
	case slices.Contains(laterProtocols, name):
		return nil, fmt.Errorf("protocol %q is not built yet; available: %s", name, joinNames(ProtocolNames()))
	}
	return nil, fmt.Errorf("protocol %q is not known; %s", name, suggest(name, ProtocolNames()))
}

// idle returns the flags that are set and that the protocol does not depend on.
func (p *protocol) idle(o *EvalOptions) []string {
	var out []string
	for _, f := range []struct {
		flag string
		set  bool
	}{
		{"--trainer", o.Trainer != ""}, {"--masks", o.Masks != ""}, {"--losses", o.Losses != ""}, {"--rows", o.Rows != ""}, {"--remove", o.Remove != ""},
		{"--noisy", o.Noisy != ""}, {"--column", o.Column != ""},
	} {
		if f.set && !slices.Contains(p.flags, f.flag) {
			out = append(out, f.flag)
		}
	}
	return out
}

// needsTrainer is the check of protocols that always train.
func needsTrainer(o *EvalOptions) error {
	if o.Trainer == "" {
		return errors.New("--trainer is needed: cmd:PROGRAM ARGUMENTS or builtin, which trains without some rows")
	}
	return nil
}
