// Command _gen writes the assembly of internal/kernel and its Go declarations
// with avo. It is a module of its own, so that nobody who uses the kernels
// downloads the generator.
//
// Each family of kernels is a file here and becomes <family>_amd64.s and
// <family>_stubs_amd64.go there. The definitions of the kernels are their twins
// in plain Go, <family>_generic.go.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"

	"github.com/mmcloughlin/avo/build"
)

// families are the kernels by the name of their file; each file adds its own.
var families = map[string]func(){}

func main() {
	family := flag.String("family", "", "the kernels to write")
	flag.Parse() // avo adds its own -out, -stubs and -pkg
	f, ok := families[*family]
	if !ok {
		names := make([]string, 0, len(families))
		for n := range families {
			names = append(names, n)
		}
		slices.Sort(names)
		fmt.Fprintf(os.Stderr, "no family %q; there are %v\n", *family, names)
		os.Exit(2)
	}
	build.ConstraintExpr("amd64,!noasm,!purego")
	f()
	build.Generate()
}
