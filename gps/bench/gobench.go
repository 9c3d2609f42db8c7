package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// times holds the shortest time of each work and implementation in ns, by the name of the work
// and the implementation.
type times map[string]map[string]float64

func (t times) add(name, of string, ns float64) {
	if t[name] == nil {
		t[name] = map[string]float64{}
	}
	if was, ok := t[name][of]; !ok || ns < was {
		t[name][of] = ns
	}
}

// measured is what Go benchmarks tell beside times.
type measured struct {
	times
	// allocations per operation of this module's implementation, processor time and bytes.
	allocations, processor times
}

// runBenchmarks runs this package's Go benchmarks, keeps the shortest times (best-ns/op), and writes what
// they print to raw, in the form that benchstat reads.
func runBenchmarks(root string, quick bool, raw io.Writer, repeats map[string]float64, report progress) (*measured, error) {
	args := []string{"test", "-run", "^$", "-bench", ".", "-benchtime", "150ms", "-count", "3", "-timeout", "30m", "./gps/bench"}
	if quick {
		args = []string{"test", "-short", "-run", "^$", "-bench", ".", "-benchtime", "40ms", "-timeout", "10m", "./gps/bench"}
	}
	c := exec.Command("go", args...)
	c.Dir = root
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	m, err := readBenchmarks(io.TeeReader(out, raw), repeats, report)
	if waited := c.Wait(); err == nil && waited != nil {
		err = fmt.Errorf("go %s: %w", strings.Join(args, " "), waited)
	}
	return m, err
}

func readBenchmarks(out io.Reader, repeats map[string]float64, report progress) (*measured, error) {
	m := &measured{times{}, times{}, times{}}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		// BenchmarkX/a=b-2  times  value unit  value unit ...
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		full := strings.TrimPrefix(fields[0], "Benchmark")
		full, _, _ = strings.Cut(full, "-")
		name, of, ok := strings.Cut(full, "/of=")
		if !ok {
			return nil, fmt.Errorf("benchmark %s names no implementation", full)
		}
		per := math.Max(1, repeats[name])
		for i := 2; i+1 < len(fields); i += 2 {
			v, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", lines.Text(), err)
			}
			switch fields[i+1] {
			case "best-ns/op":
				m.times.add(name, of, v/per)
			case "cpu-ns/op":
				m.processor.add(name, of, v/per)
			case "allocs/op":
				m.allocations.add(name, of, v)
			}
		}
		report.tell("Go benchmarks", len(m.times), len(repeats), full)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(m.times) == 0 {
		return nil, errors.New("the Go benchmarks printed no figure")
	}
	return m, nil
}
