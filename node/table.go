package node

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"guidedpolicysearch/node/simrobot"
)

// LearningTable is how a task is learned over several seeds.
type LearningTable struct {
	// Task is the name of the parameter file.
	Task string `json:"task"`
	// Seeds are the seeds, Costs the mean sample costs, one row per seed, one entry per
	// iteration.
	Seeds []uint64    `json:"seeds"`
	Costs [][]float64 `json:"mean_cost"`
	// Median, Min and Max are over the seeds, one entry per iteration.
	Median []float64 `json:"median"`
	Min    []float64 `json:"min"`
	Max    []float64 `json:"max"`
	// UpdateCPUSeconds is the processor time of an update: the median and the most.
	UpdateCPUSeconds    float64 `json:"update_cpu_seconds"`
	MaxUpdateCPUSeconds float64 `json:"max_update_cpu_seconds"`
	// Reference holds the costs to compare with; may be empty.
	Reference     []float64 `json:"reference"`
	ReferenceName string    `json:"reference_name"`
}

// MakeLearningTable trains the task of a parameter file with the given seeds in process,
// in run folders that are removed. progress is called after each seed.
func MakeLearningTable(ctx context.Context, path string, assignments []string, seeds []uint64, progress func(done int)) (*LearningTable, error) {
	t := &LearningTable{Task: filepath.Base(path), Seeds: seeds}
	var updates []float64
	for i, seed := range seeds {
		cfg, setup, simulated, err := LoadFile(path, append(slices.Clone(assignments), fmt.Sprintf("seed=%d", seed)))
		if err != nil {
			return nil, err
		}
		res, err := trainInTemporary(ctx, cfg, setup, simulated)
		if err != nil {
			return nil, fmt.Errorf("%s, seed %d: %w", path, seed, err)
		}
		t.Reference, t.ReferenceName = cfg.Reference.MeanCost, cfg.Reference.Name
		var costs []float64
		for _, r := range res.Reports {
			costs = append(costs, r.MeanCost)
			updates = append(updates, r.UpdateCPUSeconds)
		}
		t.Costs = append(t.Costs, costs)
		progress(i + 1)
	}
	for k := range t.Costs[0] {
		var column []float64
		for _, row := range t.Costs {
			column = append(column, row[k])
		}
		t.Median = append(t.Median, median(column))
		t.Min = append(t.Min, slices.Min(column))
		t.Max = append(t.Max, slices.Max(column))
	}
	t.UpdateCPUSeconds, t.MaxUpdateCPUSeconds = median(updates), slices.Max(updates)
	return t, nil
}

func trainInTemporary(ctx context.Context, cfg *Config, setup *Setup, simulated *simrobot.Config) (*Result, error) {
	dir, err := os.MkdirTemp("", "gps-table-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	cfg.RunFolder = filepath.Join(dir, "run")
	cfg.Console = "log"
	return Train(ctx, cfg, setup, simulated, io.Discard)
}

func median(a []float64) float64 {
	b := slices.Sorted(slices.Values(a))
	n := len(b)
	return (b[(n-1)/2] + b[n/2]) / 2
}

// Behind returns the iterations, from 1, in which the median is above the reference.
func (t *LearningTable) Behind() []int {
	var list []int
	for i := range min(len(t.Median), len(t.Reference)) {
		if t.Median[i] > t.Reference[i] {
			list = append(list, i+1)
		}
	}
	return list
}

// Write writes the table as text.
func (t *LearningTable) Write(w io.Writer) error {
	name := t.ReferenceName
	if name == "" {
		name = "reference"
	}
	fmt.Fprintf(w, "%s: mean sample cost over %d seeds\n", t.Task, len(t.Seeds))
	fmt.Fprintf(w, "%9s %11s %11s %11s %11s\n", "iteration", "median", "least", "most", name)
	for i := range t.Median {
		reference := "-"
		if i < len(t.Reference) {
			reference = fmt.Sprintf("%.4g", t.Reference[i])
		}
		fmt.Fprintf(w, "%9d %11.4g %11.4g %11.4g %11s\n", i+1, t.Median[i], t.Min[i], t.Max[i], reference)
	}
	if len(t.Reference) > 0 {
		reached := "never"
		for i, v := range t.Median {
			if v <= t.Reference[len(t.Reference)-1] {
				reached = fmt.Sprintf("at iteration %d", i+1)
				break
			}
		}
		behind := "at no iteration"
		if b := t.Behind(); len(b) > 0 {
			behind = fmt.Sprintf("at iterations %v", b)
		}
		fmt.Fprintf(w, "The median is above the reference %s, and at or below its last cost %s.\n", behind, reached)
	}
	_, err := fmt.Fprintf(w, "Processor time of an update: median %.1f ms, most %.1f ms.\n", 1000*t.UpdateCPUSeconds, 1000*t.MaxUpdateCPUSeconds)
	return err
}
