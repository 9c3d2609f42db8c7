package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"

	"guidedpolicysearch/gps/algorithm"
)

// iterations of a learning run that is measured.
const learningIterations = 10

// learned is what a learning run cost: means over its iterations, the first one included.
type learned struct {
	System     string `json:"system"`
	Conditions int    `json:"conditions"`
	// CPU and Wall are the processor's and the elapsed time of one iteration in ms, on all
	// processors.
	CPU  float64 `json:"cpu_ms"`
	Wall float64 `json:"wall_ms"`
	// Slowest is the elapsed time of the slowest iteration in ms.
	Slowest float64 `json:"slowest_wall_ms"`
	// Memory is the most that the process had at once, in MB, trials included.
	Memory float64 `json:"peak_memory_mb"`
	// First and Last are the mean costs of the first and last iteration's trials.
	First float64 `json:"first_cost"`
	Last  float64 `json:"last_cost"`
}

// learn measures a run in this process and writes the outcome.
func learn(out io.Writer, name string, conditions int) error {
	s, err := newSystem(name, conditions, 0)
	if err != nil {
		return err
	}
	l := learned{System: name, Conditions: conditions}
	for i := range learningIterations {
		samples, err := s.trials()
		if err != nil {
			return err
		}
		used, began := processorTime(), time.Now()
		var report *algorithm.Report
		if s.state, report, err = s.iterate(samples); err != nil {
			return err
		}
		ms := func(d time.Duration) float64 { return d.Seconds() * 1e3 }
		wall := ms(time.Since(began))
		l.CPU += ms(processorTime()-used) / learningIterations
		l.Wall += wall / learningIterations
		l.Slowest = max(l.Slowest, wall)
		l.Last = report.MeanCost()
		if i == 0 {
			l.First = l.Last
		}
	}
	l.Memory = peakMemory()
	return json.NewEncoder(out).Encode(l)
}

// learnAside measures runs in processes of their own and returns the one with the least
// processor time.
func learnAside(name string, conditions, runs int) (*learned, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	var best *learned
	for range runs {
		c := exec.Command(program, "-learn", name, "-conditions", strconv.Itoa(conditions))
		var errs bytes.Buffer
		c.Stderr = &errs
		out, err := c.Output()
		if err != nil {
			return nil, fmt.Errorf("learning run of %s: %w: %s", name, err, errs.Bytes())
		}
		l := new(learned)
		if err := json.Unmarshal(out, l); err != nil {
			return nil, err
		}
		if best == nil || l.CPU < best.CPU {
			best = l
		}
	}
	return best, nil
}

// task is a system whose learning is measured. The public reference implementation (cbfinn/gps
// with numpy) took Reference per iteration, in ms of processor time, 0 where nobody measured
// it.
type task struct {
	System     string
	Conditions int
	Reference  float64
}

var tasks = []task{{"arm", 1, 550}, {"arm", 4, 0}, {"large", 1, 1640}, {"large", 4, 5840}}

// parts of the reference's iterations with one condition, in ns of processor time, measured on
// another machine.
var parts = times{
	"Update/system=arm":      {reference: 137e6},
	"Update/system=large":    {reference: 137e6},
	"Expansion/system=arm":   {reference: 2.5e6},
	"Expansion/system=large": {reference: 40e6},
}
