package app

import (
	"compress/gzip"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

//go:embed demodata/*.gz
var demoFiles embed.FS

const demoAttribution = "data: Adult (Census Income), B. Becker and R. Kohavi (1996), UCI Machine Learning Repository, doi:10.24432/C5XW20, CC BY 4.0; subsampled, one column removed, row ids added"

// demoQuery is a query that the demo's model gets badly wrong.
const demoQuery = "q0168"

// Demo writes a small real model and its tables to dir and runs the commands
// that a user would run on them, printing each first. command runs one command
// line.
func Demo(ctx context.Context, c *Common, dir string, command func(args []string) error) error {
	if err := writeDemo(dir); err != nil {
		return err
	}
	fmt.Fprintf(c.Streams.Out, "wrote model.txt, train.csv and query.csv to %s\n%s\n", dir, demoAttribution)
	at := func(name string) string { return filepath.Join(dir, name) }
	model := []string{"--model", at("model.txt"), "--train", at("train.csv"), "--label", "label", "--key", "id"}
	query := []string{"--query", at("query.csv")}
	steps := []struct {
		why  string
		args []string
	}{
		{"what is this file?", []string{"inspect", at("model.txt"), "--json", "what,value", "--format", "table"}},
		{"does it belong to the train table?", append([]string{"verify", at("model.txt"), "--json", "ok,what", "--format", "table"}, model[2:]...)},
		{"which rows taught it this prediction?", append(append([]string{"why", "--row", demoQuery, "--top", "5", "--format", "table"}, model...), query...)},
		{"the same for all queries, into a run folder", append(append([]string{"score", "--top", "20", "--aggregate", "sum", "--out", at("run"), "--fresh", "--format", "table"}, model...), query...)},
		{"which train rows does the model itself disagree with?", append([]string{"score", "--self", "--method", "loss", "--out", at("suspects"), "--fresh", "--format", "table"}, model...)},
		{"is the run folder sound?", []string{"verify", at("run"), "--json", "ok,what", "--format", "table"}},
		{"all of it as one page", []string{"report", at("run"), at("suspects"), "--out", at("report.html")}},
	}
	for _, s := range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		fmt.Fprintf(c.Streams.Out, "\n# %s\n$ infl %s\n", s.why, shellLine(s.args))
		if err := command(s.args); err != nil {
			return fmt.Errorf("infl %s: %w", s.args[0], err)
		}
	}
	fmt.Fprintf(c.Streams.Out, "\nthe scores are in %s; read them with any Parquet reader\nthe report is %s; open it in a browser\n", at(filepath.Join("run", "scores.parquet")), at("report.html"))
	return nil
}

// shellLine writes arguments as one would type them.
func shellLine(args []string) string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = a
		if a == "" || strings.ContainsAny(a, " <>$*?'\"") {
			out[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return strings.Join(out, " ")
}

// writeDemo unpacks the embedded files. It replaces its own files only.
func writeDemo(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("the demo folder: %w", err)
	}
	entries, err := demoFiles.ReadDir("demodata")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := unpackDemo(e.Name(), filepath.Join(dir, strings.TrimSuffix(e.Name(), ".gz"))); err != nil {
			return fmt.Errorf("the demo folder: %w", err)
		}
	}
	return nil
}

func unpackDemo(name, path string) (err error) {
	in, err := demoFiles.Open("demodata/" + name)
	if err != nil {
		return err
	}
	defer in.Close()
	z, err := gzip.NewReader(in)
	if err != nil {
		return err
	}
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, z)
	return errors.Join(err, out.Close())
}
