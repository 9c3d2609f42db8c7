package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
)

// row is a line of the table, as bench.json has it.
type row struct {
	Name string `json:"name"`
	Work string `json:"work"`
	Size string `json:"size"`
	// NS is this module's time in ns, Peers that of the others.
	NS    float64            `json:"ns"`
	Peers map[string]float64 `json:"peers_ns"`
	// Allocations per operation of this module's.
	Allocations float64 `json:"allocations"`
	// CPU is this module's processor time in ns, all cores together.
	CPU   float64 `json:"cpu_ns"`
	Flops float64 `json:"flops,omitempty"`
	// Workers are the cores that it may use.
	Workers int `json:"workers"`
}

// growth is a line of the table of how cost grows.
type growth struct {
	Work     string    `json:"work"`
	Variable string    `json:"variable"`
	At       []int     `json:"at"`
	NS       []float64 `json:"ns"`
	Exponent float64   `json:"exponent"`
}

// outcome is all that one run measured.
type outcome struct {
	Machine  machine    `json:"machine"`
	Command  string     `json:"command"`
	Rows     []row      `json:"rows"`
	Learning []*learned `json:"learning"`
	Growth   []growth   `json:"growth,omitempty"`
	// Left says which columns are missing and why.
	Left []string `json:"left_out,omitempty"`
}

// columns of the table beside this module's.
var columns = []string{packing, naive, preallocated, numpy, sklearn, torch, hpipm, reference}

var titles = map[string]string{packing: "ours + packing", naive: "gonum naive", preallocated: "gonum preallocated", numpy: "numpy+OpenBLAS", sklearn: "scikit-learn", torch: "torch", hpipm: "BLASFEO/HPIPM", reference: "cbfinn/gps, elsewhere"}

// duration shows a time in ns with three digits.
func duration(ns float64) string {
	switch {
	case ns == 0:
		return "-"
	case ns < 1e3:
		return fmt.Sprintf("%.3g ns", ns)
	case ns < 999.5e3:
		return fmt.Sprintf("%.3g us", ns/1e3)
	case ns < 999.5e6:
		return fmt.Sprintf("%.3g ms", ns/1e6)
	}
	return fmt.Sprintf("%.3g s", ns/1e9)
}

// ratio shows how many times another takes as long.
func ratio(other, own float64) string {
	r := other / own
	if r < 9.95 {
		return fmt.Sprintf("%.2fx", r)
	}
	return fmt.Sprintf("%.0fx", r)
}

// write writes the tables.
func (o *outcome) write(out io.Writer) {
	m := &o.Machine
	fmt.Fprintf(out, "\n%s, %d cores, %s, %s. One core reaches %.3g GFLOP/s (kernels: %s).\n", m.Processor, m.Cores, m.System, m.Go, m.Peak, m.Kernels)
	if v := m.Versions; len(v) > 0 {
		fmt.Fprintf(out, "numpy %s with %s", v["numpy"], v["blas"])
		for _, name := range []string{sklearn, torch} {
			if v[name] != "" {
				fmt.Fprintf(out, ", %s %s", name, v[name])
			}
		}
		fmt.Fprintln(out, ".")
	}
	for _, left := range o.Left {
		fmt.Fprintln(out, "Left out:", left)
	}
	fmt.Fprintf(out, "\nBest times; (..x): how many times ours the other takes. One core, but where the row says more; shares of the peak are those of the cores used.\nEM: operations of dense EM, whatever was skipped, so that its share of the peak may exceed 100%%; its allocations are the workspace of a fit of %d iterations.\nNetworks: in float32, whose peak is twice the one above; the allocations of a training step are the workspace of %d.\n\n", emIterations, trainingSteps)
	o.writeRows(out)
	o.writeLearning(out)
	o.writeGrowth(out)
}

func (o *outcome) writeRows(out io.Writer) {
	var used []string
	for _, c := range columns {
		for _, r := range o.Rows {
			if r.Peers[c] > 0 {
				used = append(used, c)
				break
			}
		}
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "work\tsize\tours\tallocs\tGFLOP/s\tof peak")
	for _, c := range used {
		fmt.Fprint(t, "\t", titles[c])
	}
	fmt.Fprintln(t)
	before := ""
	for _, r := range o.Rows {
		title := r.Work
		if title == before {
			title = ""
		}
		before = r.Work
		speed, share := "-", "-"
		if r.Flops > 0 {
			speed, share = fmt.Sprintf("%.3g", r.Flops/r.NS), fmt.Sprintf("%.0f%%", 100*r.Flops/r.NS/o.Machine.Peak/float64(r.Workers))
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%.0f\t%s\t%s", title, r.Size, duration(r.NS), r.Allocations, speed, share)
		for _, c := range used {
			if ns := r.Peers[c]; ns > 0 {
				fmt.Fprintf(t, "\t%s (%s)", duration(ns), ratio(ns, r.NS))
			} else {
				fmt.Fprint(t, "\t-")
			}
		}
		fmt.Fprintln(t)
	}
	t.Flush()
}

func (o *outcome) writeLearning(out io.Writer) {
	fmt.Fprintf(out, "\nThe whole iteration, mean of the first %d of a learning run in a process of its own (all cores).\nReference: processor time of cbfinn/gps with numpy, measured on another machine.\n\n", learningIterations)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "system\tconditions\tCPU\twall\tslowest\tpeak memory\tcost\treference CPU")
	for i, l := range o.Learning {
		reference := "-"
		if ms := tasks[i].Reference; ms > 0 {
			reference = fmt.Sprintf("%s (%s)", duration(ms*1e6), ratio(ms, l.CPU))
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%.0f MB\t%.4g -> %.4g\t%s\n", l.System, l.Conditions, duration(l.CPU*1e6), duration(l.Wall*1e6), duration(l.Slowest*1e6), l.Memory, l.First, l.Last, reference)
	}
	t.Flush()
}

func (o *outcome) writeGrowth(out io.Writer) {
	if len(o.Growth) == 0 {
		return
	}
	fmt.Fprint(out, "\nHow cost grows: time ~ variable^exponent, by least squares on logarithms (dX=26, dU=7, T=100, N=20, K=20 but for the variable).\n\n")
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "work\tover\texponent\tmeasured")
	for _, g := range o.Growth {
		var points []string
		for i, v := range g.At {
			points = append(points, fmt.Sprintf("%d: %s", v, duration(g.NS[i])))
		}
		fmt.Fprintf(t, "%s\t%s\t%.2f\t%s\n", g.Work, g.Variable, g.Exponent, strings.Join(points, ", "))
	}
	t.Flush()
}

// save writes bench.json.
func (o *outcome) save(path string) error {
	b, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}
