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
	// Kernel says whether it has PREEMPT_RT.
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
}

func (m *machine) String() string {
	return fmt.Sprintf("%s, %d cores, %s, %s.", m.Processor, m.Cores, m.Kernel, m.Go)
}

func describe() machine {
	m := machine{Processor: runtime.GOARCH, Cores: runtime.NumCPU(), Kernel: runtime.GOOS, Go: runtime.Version()}
	if version, err := os.ReadFile("/proc/version"); err == nil {
		words := strings.Fields(string(version))
		m.Kernel = strings.Join(words[:min(3, len(words))], " ")
		if strings.Contains(string(version), "PREEMPT_RT") {
			m.Kernel += " PREEMPT_RT"
		}
	}
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return m
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if key, value, found := strings.Cut(s.Text(), ":"); found && strings.TrimSpace(key) == "model name" {
			m.Processor = strings.TrimSpace(value)
			break
		}
	}
	return m
}
