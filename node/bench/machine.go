package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// machine is where the figures were measured.
type machine struct {
	Processor string `json:"processor"`
	Cores     int    `json:"cores"`
	System    string `json:"system"`
	Go        string `json:"go"`
	// Load is the load average over a minute at the end.
	Load string `json:"load"`
}

func (m *machine) String() string {
	return fmt.Sprintf("%s, %d cores, %s, %s, load %s.", m.Processor, m.Cores, m.System, m.Go, m.Load)
}

func describe() machine {
	m := machine{Processor: field("/proc/cpuinfo", "model name", runtime.GOARCH), Cores: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(), Load: "unknown"}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load, _, _ = strings.Cut(string(load), " ")
	}
	return m
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
