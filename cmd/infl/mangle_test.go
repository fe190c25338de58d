package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// mangle HOW FROM TO [ARG] writes a changed copy of a file. The tables hold no
// quoted cells.
func mangle(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 || manglers[args[0]] == nil {
		ts.Fatalf("usage: mangle HOW FROM TO [ARG]")
	}
	arg := ""
	if len(args) > 3 {
		arg = args[3]
	}
	out, err := manglers[args[0]](ts.ReadFile(args[1]), arg)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(out), 0o666))
}

var manglers = map[string]func(text, arg string) (string, error){
	// The columns backwards, and a further one.
	"reorder": func(text, _ string) (string, error) {
		return eachRow(text, func(row int, cells []string) []string {
			slices.Reverse(cells)
			if row == 0 {
				return append(cells, "extra")
			}
			return append(cells, strconv.Itoa(row))
		}), nil
	},
	"drop": func(text, name string) (string, error) {
		at := -1
		return eachRow(text, func(row int, cells []string) []string {
			if row == 0 {
				at = slices.Index(cells, name)
			}
			return slices.Delete(cells, at, at+1)
		}), nil
	},
	// The labels of all rows moved by one row.
	"shuffle": func(text, _ string) (string, error) {
		last := "<=50K"
		return eachRow(text, func(row int, cells []string) []string {
			if row > 0 {
				n := len(cells) - 1
				cells[n], last = last, cells[n]
			}
			return cells
		}), nil
	},
	"tabs": func(text, _ string) (string, error) { return strings.ReplaceAll(text, ",", "\t"), nil },
	"crlf": func(text, _ string) (string, error) { return "\ufeff" + strings.ReplaceAll(text, "\n", "\r\n"), nil },
	"cut": func(text, n string) (string, error) {
		size, err := strconv.Atoi(n)
		return text[:min(size, len(text))], err
	},
	// The header and the first n rows.
	"head": func(text, n string) (string, error) {
		rows, err := strconv.Atoi(n)
		lines := strings.SplitAfter(text, "\n")
		return strings.Join(lines[:rows+1], ""), err
	},
	"gzip": func(text, _ string) (string, error) {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, err := z.Write([]byte(text))
		err = errors.Join(err, z.Close())
		return b.String(), err
	},
}

// eachRow changes the cells of each row of a table; row 0 is the header.
func eachRow(text string, change func(row int, cells []string) []string) string {
	var b strings.Builder
	row := 0
	for line := range strings.Lines(text) {
		cells := change(row, strings.Split(strings.TrimRight(line, "\n"), ","))
		b.WriteString(strings.Join(cells, ",") + "\n")
		row++
	}
	return b.String()
}
