package lint

import (
	"bytes"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

// parsed returns the syntax trees of the Go files outside of tests, by path.
func parsed(t *testing.T) (*token.FileSet, map[string]*ast.File) {
	t.Helper()
	fset, out := token.NewFileSet(), map[string]*ast.File{}
	for _, f := range files(t, ".go") {
		if f.inTests() {
			continue
		}
		tree, err := parser.ParseFile(fset, f.path, f.text, parser.ParseComments)
		require.NoError(t, err)
		out[f.path] = tree
	}
	return fset, out
}

func TestFilesStaySmall(t *testing.T) {
	const most = 800
	for _, f := range files(t, ".go", ".py") {
		if n := bytes.Count(f.text, []byte("\n")); !generated.Match(f.text) {
			assert.LessOrEqual(t, n, most, "%s has too many lines; split it by concept", f.path)
		}
	}
}

// TestOnlyAppTalks finds printing, the environment and the standard streams
// outside of internal/app, cmd, examples and the programs in bench. internal/kernel reads INFL_CPU: it is read
// once, before anybody could hand it over.
func TestOnlyAppTalks(t *testing.T) {
	talks := map[string]bool{
		"os.Getenv": true, "os.LookupEnv": true, "os.Environ": true, "os.ExpandEnv": true,
		"os.Stdin": true, "os.Stdout": true, "os.Stderr": true, "os.Exit": true,
		"fmt.Print": true, "fmt.Printf": true, "fmt.Println": true,
	}
	fset, trees := parsed(t)
	for file, tree := range trees {
		if under(file, "internal/app") || under(file, "cmd") || under(file, "examples") || under(file, "bench/rates") || under(file, "bench/scan") || under(file, "internal/goldentest") || file == "internal/kernel/path.go" || under(file, "internal/kernel/_gen") {
			continue
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok {
					assert.False(t, talks[x.Name+"."+s.Sel.Name], "%s: %s.%s belongs into internal/app", fset.Position(n.Pos()), x.Name, s.Sel.Name)
				}
			}
			return true
		})
	}
}

// mayPanic are the files outside of internal/kernel and internal/parallel with
// a panic, and why no caller ever sees it.
var mayPanic = map[string]string{
	"influence/dataset/arrays.go": "an allocator of Arrow has no other way to refuse; the reader turns it into an error",
}

func TestPanicsAreForOurOwnMistakes(t *testing.T) {
	fset, trees := parsed(t)
	found := map[string]bool{}
	for file, tree := range trees {
		if under(file, "internal/kernel") || under(file, "internal/parallel") {
			continue
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			if c, ok := n.(*ast.CallExpr); ok {
				if f, ok := c.Fun.(*ast.Ident); ok && f.Name == "panic" {
					found[file] = true
					assert.Contains(t, mayPanic, file, "%s: return an error", fset.Position(n.Pos()))
				}
			}
			return true
		})
	}
	for file := range mayPanic {
		assert.True(t, found[file], "%s does not panic any more: take it off the list", file)
	}
}

// TestExportedNamesAreDocumented wants a comment on every exported function,
// method and type, and on every exported constant or variable or its group.
func TestExportedNamesAreDocumented(t *testing.T) {
	fset, trees := parsed(t)
	folders := map[string][]*ast.File{}
	for file, tree := range trees {
		folders[path.Dir(file)] = append(folders[path.Dir(file)], tree)
	}
	for folder, trees := range folders {
		p, err := doc.NewFromFiles(fset, trees, module+"/"+folder, doc.PreserveAST)
		require.NoError(t, err)
		assert.NotEmpty(t, p.Doc, "package %s", folder)
		checkFuncs(t, folder, p.Funcs)
		checkValues(t, folder, append(p.Consts, p.Vars...))
		for _, typ := range p.Types {
			assert.NotEmpty(t, typ.Doc, "%s.%s", folder, typ.Name)
			checkFuncs(t, folder, append(typ.Funcs, typ.Methods...))
			checkValues(t, folder, append(typ.Consts, typ.Vars...))
		}
	}
}

// wellKnown are methods whose interface of the standard library documents them.
var wellKnown = map[string]bool{"Error": true, "Unwrap": true}

func checkFuncs(t *testing.T, folder string, funcs []*doc.Func) {
	for _, f := range funcs {
		if f.Recv == "" || !wellKnown[f.Name] {
			assert.NotEmpty(t, f.Doc, "%s: %s %s", folder, f.Recv, f.Name)
		}
	}
}

func checkValues(t *testing.T, folder string, values []*doc.Value) {
	for _, v := range values {
		for _, spec := range v.Decl.Specs {
			s := spec.(*ast.ValueSpec)
			for _, name := range s.Names {
				if name.IsExported() {
					assert.True(t, v.Doc != "" || s.Doc != nil || s.Comment != nil, "%s.%s", folder, name.Name)
				}
			}
		}
	}
}

// TestFilesNameNoMachine finds paths and hosts of the machines that the files
// were written on.
func TestFilesNameNoMachine(t *testing.T) {
	// The names are put together here, so that this file does not hold them.
	machine := regexp.MustCompile(`(^|[^\w.$}])/(work` + `|tmp` + `|root` + `|home)/\w|pythonhosted` + `\.org|pypi` + `\.org|proxy\.golang` + `\.org|--index` + `-url`)
	for _, f := range files(t) {
		if bytes.IndexByte(f.text, 0) >= 0 {
			continue
		}
		if at := machine.FindIndex(f.text); at != nil {
			line := 1 + bytes.Count(f.text[:at[0]], []byte("\n"))
			assert.Fail(t, "a machine's path or host", "%s:%d: %q", f.path, line, f.text[at[0]:at[1]])
		}
	}
}
