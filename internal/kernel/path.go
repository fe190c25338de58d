package kernel

import "os"

// A Path is the form in which the kernels run. All give the same bits.
type Path uint8

// The paths, from the slowest to the fastest.
const (
	Generic Path = iota // Generic is plain Go.
	AVX2                // AVX2 needs AVX2, FMA and F16C.
	AVX512              // AVX512 needs F, BW, CD, DQ and VL.
)

var pathNames = [...]string{"generic", "avx2", "avx512"}

// String returns the name that INFL_CPU has for the path.
func (p Path) String() string { return pathNames[p] }

// path is what runs: the best that the CPU has and the build holds, or a
// slower one where INFL_CPU asks for it. An unknown or impossible wish counts
// as none; whoever talks to people reports [CPU].
var path = choose(best(), os.Getenv("INFL_CPU"))

func choose(best Path, wish string) Path {
	for p, name := range pathNames {
		if name == wish {
			return min(best, Path(p))
		}
	}
	return best
}

// CPU returns the path on which the kernels of this process run.
func CPU() Path { return path }
