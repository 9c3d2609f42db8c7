package kernel

import (
	"fmt"
	"os"
	"slices"
)

// Path names a set of kernels.
type Path string

const (
	// AVX512 needs AVX-512 F, DQ, VL and BW.
	AVX512 Path = "avx512"
	// AVX2 needs AVX2 and FMA.
	AVX2 Path = "avx2"
	// Portable is Go with fused multiply-adds.
	Portable Path = "portable"
	// Plain is Go without them, which differs in rounding.
	Plain Path = "plain"
)

// Variable is the environment variable that forces a path.
const Variable = "GPS_KERNEL"

// paths in the order of preference; the index is what the kernels switch on.
var paths = [...]Path{AVX512, AVX2, Portable, Plain}

const (
	avx512Path = iota
	avx2Path
	portablePath
	plainPath
)

var active, forced = choose(os.Getenv(Variable))

// choose returns the index of the forced path, or of the best one and why it is not the
// forced.
func choose(force string) (int, error) {
	available := Available()
	best := slices.Index(paths[:], available[0])
	if force == "" {
		return best, nil
	}
	if i := slices.Index(available, Path(force)); i >= 0 {
		return slices.Index(paths[:], Path(force)), nil
	}
	return best, fmt.Errorf("kernel: %s is %q, this machine has %q: it uses %s; unset the variable, or take one of these", Variable, force, available, available[0])
}

// Available returns the paths that this machine can run, the fastest first.
func Available() []Path {
	list := assembly()
	if fused() {
		return append(list, Portable, Plain)
	}
	return append(list, Plain, Portable)
}

// Active returns the path in use. The error says why it is not the one that the environment
// variable GPS_KERNEL asks for.
func Active() (Path, error) { return paths[active], forced }

// Use changes the path, for tests and benchmarks that compare them; no kernel may run
// meanwhile. It returns the path that was in use.
func Use(p Path) (before Path, err error) {
	before = paths[active]
	if !slices.Contains(Available(), p) {
		return before, fmt.Errorf("kernel: no path %q on this machine, it has %q", p, Available())
	}
	active = slices.Index(paths[:], p)
	return before, nil
}
