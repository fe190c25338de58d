package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/infl-dev/infl/gbdt"
	"github.com/infl-dev/infl/influence"
)

// Common are the options of every command.
type Common struct {
	Streams Streams
	Output  Output

	Memory  string // budget, "" for the default
	Workers int
	Tmp     string
	Seed    uint64

	Quiet, Verbose, Debug, NoProgress bool
	LogFormat                         string

	Version string // of infl
	Args    []string

	// Configuration is the effective configuration of the command, by flag,
	// without what only says where and how fast it runs.
	Configuration map[string]any
}

// defaultMemory is the budget without --memory.
const defaultMemory = 2_000_000_000

// memory returns the budget in bytes.
func (c *Common) memory() (int64, error) {
	if c.Memory == "" {
		return defaultMemory, nil
	}
	n, err := ParseSize(c.Memory)
	if err != nil {
		return 0, fmt.Errorf("--memory: %w", err)
	}
	if n < 64_000_000 {
		return 0, fmt.Errorf("--memory %s is too small; it must be at least 64MB", c.Memory)
	}
	return n, nil
}

// limitHeap lets the collector keep the heap below the budget; what lies outside
// the heap (stacks, code, buffers of the system) gets the rest.
func (c *Common) limitHeap() (restore func(), err error) {
	budget, err := c.memory()
	if err != nil {
		return nil, err
	}
	before := debug.SetMemoryLimit(budget - budget/8)
	return func() { debug.SetMemoryLimit(before) }, nil
}

// Validate lists what is wrong with the options that every command has.
func (c *Common) Validate() error {
	var errs []error
	if c.LogFormat != "text" && c.LogFormat != "json" {
		errs = append(errs, fmt.Errorf("--log-format %q is not known; use text or json", c.LogFormat))
	}
	if c.Workers < 0 {
		errs = append(errs, fmt.Errorf("--workers %d; it must be positive, or 0 for the number of CPUs", c.Workers))
	}
	_, err := c.memory()
	return errors.Join(append(errs, err, c.Output.Validate())...)
}

// say writes a line of talk.
func (c *Common) say(format string, args ...any) {
	if !c.Quiet {
		c.talk("info", fmt.Sprintf(format, args...))
	}
}

// talk writes a line on stderr, in the form of --log-format.
func (c *Common) talk(level, text string) {
	if c.LogFormat == "json" {
		if line, err := record([]string{"level", "message"}, []any{level, text}); err == nil {
			text = string(line)
		}
	}
	fmt.Fprintln(c.Streams.Err, text)
}

// ModelOptions name a tree model, its tables and what is asked of them.
type ModelOptions struct {
	Model, Train, Query                   string
	Label, Key, Weight, Group, Base       string
	Classes                               []string
	Categories, Predictions               string
	RowMasks                              string
	LearningRate                          []float64
	Lambda, Alpha                         string
	Trees                                 string
	AllowApproximate                      bool
	Method, Of, Form, InitialScore, Dtype string
	Rows                                  string
	LabelEdit, Measure                    string

	GradientOptions
	TextOptions
}

// GradientOptions are what methods on vectors have beside.
type GradientOptions struct {
	Checkpoints []string // DIR[@LR]
	Normalize   string
	Damping     string
	Factors     []string // folders of infl fit
	Labels      string   // of the curvature: dataset or exact
	Rank        int
	Rescore     int // train rows of each end of a list of that rank
	NoBias      bool
	FreeBias    bool
	Projection  string
	Remove      string // @FILE, rows or groups
	Per         string // module or token
}

// set returns the flags that are set, in the order of their names.
func (o *GradientOptions) set() []string {
	var out []string
	for _, f := range []struct {
		flag string
		set  bool
	}{
		{"--checkpoint", len(o.Checkpoints) > 0}, {"--damping", o.Damping != ""}, {"--factors", len(o.Factors) > 0},
		{"--free-bias", o.FreeBias}, {"--labels", o.Labels != "" && o.Labels != datasetLabels}, {"--no-bias", o.NoBias},
		{"--normalize", o.Normalize != "" && o.Normalize != "none"}, {"--per", o.Per != ""}, {"--projection", o.Projection != ""}, {"--rank", o.Rank != 0},
		{"--remove", o.Remove != ""}, {"--rescore", o.Rescore != 0},
	} {
		if f.set {
			out = append(out, f.flag)
		}
	}
	return out
}

// Validate lists what is wrong with the options as far as no file tells.
func (o *ModelOptions) Validate(needQuery bool) error {
	var errs []error
	if _, err := influence.ParsePrecision(o.Dtype); err != nil {
		errs = append(errs, fmt.Errorf("--dtype: %w", err))
	}
	m := method{tree: &treeMethod{}}
	if o.Method != "" {
		var err error
		if m, err = findMethod(o.Method); err != nil {
			errs = append(errs, err)
		}
	}
	switch {
	case m.vectors != nil:
		errs = append(errs, o.validateVectors(m, needQuery))
	case m.texts:
		errs = append(errs, o.validateTexts(m, needQuery))
	default:
		errs = append(errs, o.validateTrees(needQuery))
	}
	errs = append(errs, o.validatePrefilter(m))
	return errors.Join(errs...)
}

// needed returns an error for a flag without a value.
func needed(value, flag, what string) error {
	if value == "" {
		return fmt.Errorf("%s is needed: %s", flag, what)
	}
	return nil
}

// validateTrees lists what is wrong for methods on tree models.
func (o *ModelOptions) validateTrees(needQuery bool) error {
	errs := []error{
		needed(o.Model, "--model", "the model file"),
		needed(o.Train, "--train", "the table that the model was trained on"),
		needed(o.Label, "--label", "the column that the model predicts"),
	}
	if needQuery {
		errs = append(errs, needed(o.Query, "--query", "the table of predictions to explain"))
	}
	if idle := o.GradientOptions.set(); len(idle) > 0 {
		errs = append(errs, idleFlags(o.Method, idle))
	}
	errs = append(errs, o.validateForm())
	if o.InitialScore != "" && o.InitialScore != "fixed" && o.InitialScore != "refit" {
		errs = append(errs, fmt.Errorf("--initial-score %q is not known; use refit or fixed", o.InitialScore))
	}
	if o.InitialScore == "refit" && o.Method != "leafinfluence" && o.Method != "label-gradient" {
		errs = append(errs, fmt.Errorf("--initial-score refit: only leafinfluence and label-gradient move the initial score"))
	}
	if _, err := gbdt.ParseMeasure(o.Measure); err != nil {
		errs = append(errs, fmt.Errorf("--measure: %w", err))
	} else if o.Measure != "" && o.Method != "treesim" && o.Method != "inputsim" {
		errs = append(errs, fmt.Errorf("--measure %s: only treesim and inputsim have measures", o.Measure))
	}
	return errors.Join(errs...)
}

func (o *ModelOptions) validateForm() error {
	if o.Form != "exact" && o.Form != "compat" {
		return fmt.Errorf("--form %q is not known; use exact or compat", o.Form)
	}
	return nil
}

// idleFlags is the error about flags that a method does not depend on.
func idleFlags(method string, flags []string) error {
	return fmt.Errorf("%s: method %s does not depend on %s", joinNames(flags), method, plural(len(flags), "it", "them"))
}

// validateVectors lists what is wrong for methods on vectors, and names flags that
// say something else.
func (o *ModelOptions) validateVectors(m method, needQuery bool) error {
	errs := []error{m.vectors.validate(o, needQuery), o.validateForm()}
	idle := append(m.vectors.idle(&o.GradientOptions), o.treeFlags(m.vectors.compat)...)
	if len(idle) > 0 {
		errs = append(errs, idleFlags(m.name, idle))
	}
	return errors.Join(errs...)
}

// treeFlags returns the flags that are set and that only methods on trees depend on;
// some others have the form of a reference implementation too.
func (o *ModelOptions) treeFlags(compat bool) []string {
	var out []string
	for _, f := range []struct {
		flag string
		set  bool
	}{
		{"--model", o.Model != ""}, {"--label", o.Label != ""}, {"--weight", o.Weight != ""}, {"--base", o.Base != ""},
		{"--classes", len(o.Classes) > 0}, {"--categories", o.Categories != ""}, {"--predictions", o.Predictions != ""},
		{"--row-masks", o.RowMasks != ""}, {"--learning-rate", len(o.LearningRate) > 0}, {"--lambda", o.Lambda != ""},
		{"--alpha", o.Alpha != ""}, {"--trees", o.Trees != ""}, {"--of", o.Of != ""}, {"--form", o.Form != "exact" && !compat},
		{"--initial-score", o.InitialScore != ""}, {"--label-edit", o.LabelEdit != ""}, {"--measure", o.Measure != ""},
		{"--allow-approximate", o.AllowApproximate},
	} {
		if f.set {
			out = append(out, f.flag)
		}
	}
	return out
}

// columns returns the roles of the tables' columns.
func (o *ModelOptions) columns() (gbdt.Columns, error) {
	c := gbdt.Columns{Label: o.Label, Key: o.Key, Weight: o.Weight, Group: o.Group, Base: o.Base, Classes: o.Classes}
	if o.Predictions != "" {
		name, ok := strings.CutPrefix(o.Predictions, "col:")
		if !ok {
			return c, fmt.Errorf("--predictions %s: only col:NAME, a column of the train table, is built yet", o.Predictions)
		}
		c.Predictions = name
	}
	if name, ok := strings.CutPrefix(o.LabelEdit, "col:"); ok {
		c.LabelEdit = name
	}
	if o.Categories != "" {
		var err error
		if c.Categories, err = readCategories(o.Categories); err != nil {
			return c, err
		}
	}
	return c, nil
}

// readCategories reads a JSON object of lists: the values of each categorical
// column in order of their codes.
func readCategories(path string) (map[string][]any, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("--categories: %w", err)
	}
	var out map[string][]any
	if err := json.Unmarshal(b, &out); err != nil {
		return nil, fmt.Errorf("%s: is not a JSON object of lists, such as {\"colour\": [\"blue\", \"red\"]}: %w", path, err)
	}
	for name, values := range out {
		for i, v := range values {
			switch v.(type) {
			case string, float64, bool:
			default:
				return nil, fmt.Errorf("%s: column %q: value %d is neither text, a number nor a bool", path, name, i)
			}
		}
	}
	return out, nil
}

// number reads an optional number.
func number(flag, s string) (*float64, error) {
	if s == "" {
		return nil, nil
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return nil, fmt.Errorf("%s %q is not a number", flag, s)
	}
	return &v, nil
}

// iterations reads --trees A:B for a model of t iterations.
func (o *ModelOptions) iterations(t int) (int, error) {
	if o.Trees == "" {
		return t, nil
	}
	a, b, ok := strings.Cut(o.Trees, ":")
	lo, errA := strconv.Atoi(orZero(a))
	hi, errB := t, error(nil)
	if b != "" {
		hi, errB = strconv.Atoi(b)
	}
	switch {
	case !ok || errA != nil || errB != nil || hi < lo || lo < 0:
		return 0, fmt.Errorf("--trees %q is not a range of iterations such as 0:100", o.Trees)
	case lo > 0:
		return 0, fmt.Errorf("--trees %s: iterations must start at 0, because later trees were fitted on top of the earlier ones", o.Trees)
	case hi > t:
		return 0, fmt.Errorf("--trees %s: the model has %d iterations", o.Trees, t)
	}
	return hi, nil
}

func orZero(s string) string {
	if s == "" {
		return "0"
	}
	return s
}

// keyList reads @FILE (a key per line) or KEY,KEY,….
func keyList(flag, s string) ([]string, error) {
	path, isFile := strings.CutPrefix(s, "@")
	if !isFile {
		return strings.Split(s, ","), nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	var keys []string
	for line := range strings.Lines(strings.TrimPrefix(string(b), "\ufeff")) {
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			keys = append(keys, line)
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s: %s holds no keys", flag, path)
	}
	return keys, nil
}

func joinNames(names []string) string { return strings.Join(slices.Clone(names), ", ") }
