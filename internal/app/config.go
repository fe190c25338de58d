package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/spf13/pflag"
)

// invocationFlags only say where and how fast a command runs, or what it
// prints: they are no part of a run's configuration.
var invocationFlags = []string{
	"out", "tmp", "workers", "memory", "fresh", "dry-run", "config", "replay", "format", "json", "quiet", "verbose", "debug",
	"log-format", "no-progress", "exit-zero", "fail-under", "list-methods", "help", "export-direction",
}

// Layer fills the flags that the command line leaves open: from the
// environment (INFL_LABEL for --label), then from a configuration file (TOML or
// JSON, keys named as the flags), then from the configuration of an earlier run
// (--replay). It returns where each flag's value comes from.
func Layer(flags *pflag.FlagSet) (map[string]string, error) {
	from := make(map[string]string)
	var errs []error
	flags.VisitAll(func(f *pflag.Flag) {
		from[f.Name] = "default"
		if f.Changed {
			from[f.Name] = "flag"
			return
		}
		name := "INFL_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if v := os.Getenv(name); v != "" {
			from[f.Name] = "environment"
			if err := flags.Set(f.Name, v); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", name, err))
			}
		}
	})
	if len(errs) > 0 {
		return nil, errs[0]
	}
	for _, layer := range []struct {
		flag, source string
		read         func(string) (map[string]any, error)
	}{{"config", "file", readConfig}, {"replay", "replay", readReplay}} {
		f := flags.Lookup(layer.flag)
		if f == nil || f.Value.String() == "" {
			continue
		}
		values, err := layer.read(f.Value.String())
		if err != nil {
			return nil, err
		}
		if err := apply(flags, values, from, layer.source, f.Value.String()); err != nil {
			return nil, err
		}
	}
	return from, nil
}

// apply sets the flags that no stronger layer has set.
func apply(flags *pflag.FlagSet, values map[string]any, from map[string]string, source, path string) error {
	var known []string
	flags.VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		f := flags.Lookup(name)
		if f == nil {
			return fmt.Errorf("%s: %q is not a flag of this command; %s", path, name, suggest(name, known))
		}
		if from[name] != "default" {
			continue
		}
		for _, v := range texted(values[name]) {
			if err := flags.Set(name, v); err != nil {
				return fmt.Errorf("%s: %s: %w", path, name, err)
			}
		}
		from[name] = source
	}
	return nil
}

// texted turns a value of a configuration file into flag texts.
func texted(v any) []string {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		var out []string
		for _, x := range v {
			out = append(out, texted(x)...)
		}
		return out
	case string:
		return []string{v}
	}
	return []string{fmt.Sprint(v)}
}

func readConfig(path string) (map[string]any, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("--config: %w", err)
	}
	out := make(map[string]any)
	if strings.EqualFold(filepath.Ext(path), ".json") {
		d := json.NewDecoder(bytes.NewReader(b))
		d.UseNumber()
		if err := d.Decode(&out); err != nil {
			return nil, fmt.Errorf("%s: is not a JSON object: %w", path, err)
		}
		return out, nil
	}
	if _, err := toml.Decode(string(b), &out); err != nil {
		return nil, fmt.Errorf("%s: is not TOML: %w", path, err)
	}
	return out, nil
}

// readReplay reads the configuration of a run.json.
func readReplay(path string) (map[string]any, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("--replay: %w", err)
	}
	var doc struct {
		Configuration map[string]any `json:"configuration"`
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&doc); err != nil || doc.Configuration == nil {
		return nil, fmt.Errorf("--replay %s: is not the run.json of a run", path)
	}
	delete(doc.Configuration, "command") // It is no flag.
	return doc.Configuration, nil
}

// Configuration returns the effective configuration by flag: what a run is,
// without where and how fast it runs.
func Configuration(flags *pflag.FlagSet) map[string]any {
	out := make(map[string]any)
	flags.VisitAll(func(f *pflag.Flag) {
		if slices.Contains(invocationFlags, f.Name) {
			return
		}
		out[f.Name] = flagValue(f)
	})
	return out
}

func flagValue(f *pflag.Flag) any {
	if s, ok := f.Value.(pflag.SliceValue); ok {
		return s.GetSlice()
	}
	switch f.Value.Type() {
	case "bool", "int", "uint64":
		return json.RawMessage(f.Value.String())
	}
	return f.Value.String()
}

// ShowConfig prints each flag of a command with its value and where that comes
// from.
func ShowConfig(c *Common, flags *pflag.FlagSet, from map[string]string) error {
	t := &Table{Fields: []string{"flag", "value", "from"}}
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" {
			return
		}
		t.Add(f.Name, flagValue(f), from[f.Name])
	})
	return c.Output.Print(c.Streams, t)
}
