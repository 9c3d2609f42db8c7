package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"

	"guidedpolicysearch/gps/internal/kernel"
)

// machine is where the figures were measured.
type machine struct {
	Processor string `json:"processor"`
	Cores     int    `json:"cores"`
	System    string `json:"system"`
	Go        string `json:"go"`
	// Kernels is the path of the kernel package, Peak what one core reached with its
	// instructions in registers, in floating-point operations per ns.
	Kernels string  `json:"kernels"`
	Peak    float64 `json:"peak_gflops"`
	// Versions of the peers' libraries.
	Versions map[string]string `json:"versions,omitempty"`
}

func describe() machine {
	path, _ := kernel.Active()
	m := machine{Processor: processor(), Cores: runtime.GOMAXPROCS(0), System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(), Kernels: string(path)}
	for range 15 { // the clock may have to rise
		m.Peak = max(m.Peak, kernel.PeakGFLOPs())
	}
	return m
}

// processor returns the name in Linux's list of processors, else that of the architecture.
func processor() string {
	return field("/proc/cpuinfo", "model name", runtime.GOARCH)
}

// field returns what stands behind a name and a colon in a file of the kernel, or the other.
func field(path, name, other string) string {
	f, err := os.Open(path)
	if err != nil {
		return other
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if key, value, found := strings.Cut(s.Text(), ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return other
}

// peakMemory returns the most memory that this process had at once, in MB, 0 where the system
// does not tell.
func peakMemory() float64 {
	kB := 0.0
	if _, err := fmt.Sscanf(field("/proc/self/status", "VmHWM", ""), "%g kB", &kB); err != nil {
		return 0
	}
	return kB / 1e3
}
