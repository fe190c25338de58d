// Package goldentest reads golden cases in tests: reference values that other
// people's tools and independent scripts made. INFL_GOLDEN names their folder;
// where it is unset the tests that need them skip, where it is set and
// something is missing they fail.
package goldentest

import (
	"archive/zip"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// SkipMessage is what a skipped golden test says; the last line of a test run
// counts it.
const SkipMessage = "INFL_GOLDEN is not set"

// Dir returns a folder of goldens, for example "gbdt", or skips the test.
func Dir(tb testing.TB, sub string) string {
	tb.Helper()
	root := os.Getenv("INFL_GOLDEN")
	if root == "" {
		tb.Skip(SkipMessage)
	}
	dir := filepath.Join(root, sub)
	if _, err := os.Stat(dir); err != nil {
		tb.Fatalf("INFL_GOLDEN is incomplete: %v", err)
	}
	return dir
}

// A Case is a golden tree case: the fields of case.json that tests use.
type Case struct {
	Dir     string `json:"-"`
	Name    string
	Library string
	Task    string
	Target  string
	Weight  string   `json:"weight_column"`
	Classes []string `json:"classes"`
	Outputs int
	Files   struct{ Model []string }

	Influence struct {
		Loss   string
		Base   []float64
		Target []float64 `json:"label_edit_target"`
	}
	Verification struct{ Verdict string }
	Arrays       map[string]struct {
		Method, Mode string
		Tol          float64
	}
}

// Cases returns the tree cases whose name begins with one of the prefixes. It
// fails the test where there is none.
func Cases(tb testing.TB, prefixes ...string) []Case {
	tb.Helper()
	dir := Dir(tb, "gbdt")
	entries, err := os.ReadDir(dir)
	if err != nil {
		tb.Fatal(err)
	}
	var out []Case
	for _, e := range entries {
		for _, p := range prefixes {
			if e.IsDir() && strings.HasPrefix(e.Name(), p) {
				out = append(out, readCase(tb, filepath.Join(dir, e.Name())))
			}
		}
	}
	if len(out) == 0 {
		tb.Fatalf("INFL_GOLDEN is incomplete: no case %v", prefixes)
	}
	return out
}

func readCase(tb testing.TB, dir string) Case {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "case.json"))
	if err != nil {
		tb.Fatal(err)
	}
	c := Case{Dir: dir}
	if err := json.Unmarshal(b, &c); err != nil {
		tb.Fatal(err)
	}
	return c
}

// Path returns the path of one of the case's files.
func (c Case) Path(name string) string { return filepath.Join(c.Dir, name) }

// An Array is an array of an .npz file, in C order, as float64.
type Array struct {
	Shape []int
	Data  []float64
}

// NPZ reads all arrays of an .npz file.
func NPZ(tb testing.TB, path string) map[string]Array {
	tb.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer z.Close()
	out := make(map[string]Array)
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			tb.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			tb.Fatal(err)
		}
		a, err := parseNPY(b)
		if err != nil {
			tb.Fatalf("%s: %s: %v", path, f.Name, err)
		}
		out[strings.TrimSuffix(f.Name, ".npy")] = a
	}
	return out
}

// NPY reads a .npy file.
func NPY(path string) (Array, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return Array{}, err
	}
	return parseNPY(b)
}

var header = regexp.MustCompile(`'descr': '([^']+)', 'fortran_order': False, 'shape': \(([^)]*)\)`)

// parseNPY reads format 1.0, which is what goldens have.
func parseNPY(b []byte) (Array, error) {
	if len(b) < 10 || string(b[:6]) != "\x93NUMPY" || b[6] != 1 {
		return Array{}, fmt.Errorf("is not .npy 1.0")
	}
	n := int(binary.LittleEndian.Uint16(b[8:]))
	m := header.FindStringSubmatch(string(b[10 : 10+n]))
	if m == nil {
		return Array{}, fmt.Errorf("header %q", b[10:10+n])
	}
	var a Array
	size := 1
	for _, s := range strings.Split(m[2], ",") {
		if s = strings.TrimSpace(s); s != "" {
			d, err := strconv.Atoi(s)
			if err != nil {
				return a, err
			}
			a.Shape = append(a.Shape, d)
			size *= d
		}
	}
	data := b[10+n:]
	for i := range size {
		switch m[1] {
		case "<f8":
			a.Data = append(a.Data, math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:])))
		case "<f4":
			a.Data = append(a.Data, float64(math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))))
		case "<i8":
			a.Data = append(a.Data, float64(int64(binary.LittleEndian.Uint64(data[8*i:]))))
		case "<i4":
			a.Data = append(a.Data, float64(int32(binary.LittleEndian.Uint32(data[4*i:]))))
		case "<u2":
			a.Data = append(a.Data, float64(binary.LittleEndian.Uint16(data[2*i:])))
		case "|u1":
			a.Data = append(a.Data, float64(data[i]))
		case "|i1":
			a.Data = append(a.Data, float64(int8(data[i])))
		default:
			return a, fmt.Errorf("type %s", m[1])
		}
	}
	return a, nil
}
