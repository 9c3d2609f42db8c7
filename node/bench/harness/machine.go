package harness

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// Machine is where the figures were measured.
type Machine struct {
	Processor string `json:"processor"`
	Cores     int    `json:"cores"`
	// Kernel says whether it has PREEMPT_RT.
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
	// Load is the load average over a minute at the end.
	Load string `json:"load"`
}

// String is one line.
func (m *Machine) String() string {
	return fmt.Sprintf("%s, %d cores, %s, %s, load %s.", m.Processor, m.Cores, m.Kernel, m.Go, m.Load)
}

// Describe describes this machine, as far as Linux tells.
func Describe() Machine {
	m := Machine{Processor: Field("/proc/cpuinfo", "model name", runtime.GOARCH), Cores: runtime.NumCPU(), Kernel: runtime.GOOS, Go: runtime.Version(), Load: "unknown"}
	if version, err := os.ReadFile("/proc/version"); err == nil {
		words := strings.Fields(string(version))
		m.Kernel = strings.Join(words[:min(3, len(words))], " ")
		if strings.Contains(string(version), "PREEMPT_RT") {
			m.Kernel += " PREEMPT_RT"
		}
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load, _, _ = strings.Cut(string(load), " ")
	}
	return m
}

// Field returns what stands behind a name and a colon in a file of the kernel, or the other.
func Field(path, name, other string) string {
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
