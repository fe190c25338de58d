package retrain

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/infl-dev/infl/influence/dataset"
)

// Names of files that a command reads and writes.
const (
	changeName     = "change.json"
	keptName       = "kept.npy"
	relabelledName = "relabelled.npy"
	labelsName     = "labels.npy"
	lossesName     = "losses.npy"
	classesName    = "classes.npy"
)

// A Command trains by running a program, without a shell. Its last argument is a new
// folder with
//
//	change.json      {"rows": n, "kept": …, "relabelled": …, "seed": …}
//	kept.npy         int64, the train rows to train on, ascending from 0
//	relabelled.npy   int64, train rows with another label; often empty
//	labels.npy       float64, their new labels
//
// and the program must write into it
//
//	losses.npy       the loss of each query, in their order
//	classes.npy      the predicted class of each query; only where classes are asked for
//
// as floats or integers, and end with exit code 0. Everything that it draws at random
// must follow from the seed. What it prints is shown where it fails. The folder is
// removed after each run. When the context ends the program is killed.
type Command struct {
	Arguments []string // the program and its arguments
	Rows      int64    // n
	Queries   int      // q
	Tmp       string   // where folders are made; empty means the system's
}

// killWait is how long a killed program's output is waited for: its children may hold
// it open.
const killWait = 2 * time.Second

// ParseCommand splits a line at blanks. Parts in single or double quotes stay together;
// nothing else is special, as there is no shell.
func ParseCommand(line string) ([]string, error) {
	var out []string
	var word strings.Builder
	quote, inWord := rune(0), false
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '"' || r == '\'':
			quote, inWord = r, true
		case r == ' ' || r == '\t':
			if inWord {
				out = append(out, word.String())
			}
			word.Reset()
			inWord = false
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("the command %s has a quote that does not end", line)
	}
	if inWord {
		out = append(out, word.String())
	}
	if len(out) == 0 {
		return nil, errors.New("the command is empty")
	}
	return out, nil
}

// Fit implements Trainer.
func (c *Command) Fit(ctx context.Context, change Change) (_ Answer, err error) {
	if len(c.Arguments) == 0 {
		return Answer{}, errors.New("the command is empty")
	}
	if err := change.Validate(c.Rows); err != nil {
		return Answer{}, err
	}
	folder, err := os.MkdirTemp(c.Tmp, "infl-fit-")
	if err != nil {
		return Answer{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	if err := c.write(folder, change); err != nil {
		return Answer{}, err
	}
	if err := c.run(ctx, folder); err != nil {
		return Answer{}, err
	}
	a, err := c.read(folder)
	if err == nil {
		err = a.check(c.Queries)
	}
	return a, err
}

// write puts the change into a folder.
func (c *Command) write(folder string, change Change) error {
	kept := change.Kept(c.Rows)
	text, err := json.Marshal(map[string]any{"rows": c.Rows, "kept": len(kept), "relabelled": len(change.Relabelled), "seed": change.Seed})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, changeName), append(text, '\n'), 0o666); err != nil {
		return err
	}
	return errors.Join(
		writeNumbers(folder, keptName, "<i8", floats(kept)),
		writeNumbers(folder, relabelledName, "<i8", floats(change.Relabelled)),
		writeNumbers(folder, labelsName, "<f8", change.Labels),
	)
}

func floats(rows []int64) []float64 {
	out := make([]float64, len(rows))
	for i, row := range rows {
		out[i] = float64(row)
	}
	return out
}

func writeNumbers(folder, name, dtype string, values []float64) error {
	var b bytes.Buffer
	if err := (dataset.Numbers{Shape: []int64{int64(len(values))}, Values: values}).Write(&b, dtype); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, name), b.Bytes(), 0o666)
}

// run runs the program and says why it failed.
func (c *Command) run(ctx context.Context, folder string) error {
	said := &tail{most: 2000}
	cmd := exec.CommandContext(ctx, c.Arguments[0], append(c.Arguments[1:len(c.Arguments):len(c.Arguments)], folder)...)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = io.Discard, said, killWait
	err := cmd.Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("%s: %w%s", strings.Join(c.Arguments, " "), err, said.lines())
	}
	return nil
}

// read takes the answer out of a folder.
func (c *Command) read(folder string) (a Answer, err error) {
	if a.Losses, err = c.numbers(folder, lossesName); err != nil {
		return a, err
	}
	if _, err := os.Stat(filepath.Join(folder, classesName)); errors.Is(err, os.ErrNotExist) {
		return a, nil
	}
	classes, err := c.numbers(folder, classesName)
	if err != nil {
		return a, err
	}
	a.Classes = make([]int64, len(classes))
	for e, v := range classes {
		a.Classes[e] = int64(v)
		if float64(a.Classes[e]) != v {
			return a, fmt.Errorf("%s: %s has the class %v for query %d; classes are integers", c.Arguments[0], classesName, v, e)
		}
	}
	return a, nil
}

// numbers reads a file of one number for each query.
func (c *Command) numbers(folder, name string) ([]float64, error) {
	n, err := dataset.ReadNumbers(filepath.Join(folder, name))
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("%s ended without writing %s into the folder that is its last argument", strings.Join(c.Arguments, " "), name)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", c.Arguments[0], err)
	case len(n.Shape) != 1:
		return nil, fmt.Errorf("%s: %s has the shape %v; it must hold one number for each query", c.Arguments[0], name, n.Shape)
	}
	return n.Values, nil
}

// A tail keeps the end of what is written to it.
type tail struct {
	most int
	text []byte
}

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	if cut := len(t.text) - t.most; cut > 0 {
		t.text = append(t.text[:0], t.text[cut:]...)
	}
	return len(p), nil
}

// lines returns the last three lines, with what parts them from an error before.
func (t *tail) lines() string {
	lines := strings.FieldsFunc(string(t.text), func(r rune) bool { return r == '\n' || r == '\r' })
	if len(lines) == 0 {
		return ", and nothing was said on stderr"
	}
	return ": " + strings.Join(lines[max(0, len(lines)-3):], "; ")
}
