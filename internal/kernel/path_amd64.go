//go:build amd64 && !noasm && !purego

package kernel

import "golang.org/x/sys/cpu"

// best is the fastest path of this CPU.
func best() Path {
	x := &cpu.X86
	switch {
	case !x.HasAVX2 || !x.HasFMA || !x.HasF16C:
		return Generic
	case x.HasAVX512F && x.HasAVX512BW && x.HasAVX512CD && x.HasAVX512DQ && x.HasAVX512VL:
		return AVX512
	}
	return AVX2
}
