package node

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/trajectory"
)

// TrajectoryTable is how a trajectory is optimised over several seeds, for each variant of
// its task.
type TrajectoryTable struct {
	// Task is the name of the parameter file.
	Task     string               `json:"task"`
	Seeds    []uint64             `json:"seeds"`
	Variants []*TrajectoryVariant `json:"variants"`
}

// TrajectoryVariant is one variant over the seeds.
type TrajectoryVariant struct {
	// MaxEffort and MaxSpeed are empty where there is no limit.
	MaxEffort []float64 `json:"max_effort"`
	MaxSpeed  []float64 `json:"max_speed"`
	EveryStep bool      `json:"every_step"`
	// Reference is the best known cost and Margin the part of it allowed on top; null if
	// there is none.
	Reference *float64 `json:"reference"`
	Margin    float64  `json:"margin"`
	// Reached counts the seeds at or below the reference with its margin, Within those at
	// most 0.5% above it.
	Reached int `json:"reached"`
	Within  int `json:"within_half_a_percent"`
	// Cost is the cost per seed, Iterations that of the descent it came from, Total over
	// all starts of the seed, Seconds the time.
	Cost       []float64 `json:"cost"`
	Iterations []int     `json:"iterations"`
	Total      []int     `json:"total_iterations"`
	Seconds    []float64 `json:"seconds"`
}

// halfAPercent is the closeness to the best known cost that the table counts for all.
const halfAPercent = 0.005

// MakeTrajectoryTable optimises with the given seeds, without run folders: each variant
// that the parameter file has a best known cost for, or, where the assignments set a limit
// or what is charged at every step, the one that they describe. progress is called after
// each seed and variant with the number done and of all.
func MakeTrajectoryTable(ctx context.Context, file string, assignments []string, seeds []uint64, progress func(done, of int)) (*TrajectoryTable, error) {
	l, err := LoadTrajectory(file, assignments)
	if err != nil {
		return nil, err
	}
	variants := variantsOf(l, assignments)
	t := &TrajectoryTable{Task: filepath.Base(file), Seeds: seeds}
	for i, set := range variants {
		v := &TrajectoryVariant{}
		for k, seed := range seeds {
			one, err := LoadTrajectory(file, append(slices.Concat(assignments, set), fmt.Sprintf("seed=%d", seed)))
			if err != nil {
				return nil, err
			}
			began := time.Now()
			outcome, err := one.problem.Optimize(ctx, nil)
			if err != nil {
				return nil, fmt.Errorf("%s, seed %d: %w", file, seed, err)
			}
			v.MaxEffort, v.MaxSpeed, v.EveryStep = one.Simulated.Plant.MaxEffort, one.Simulated.Plant.MaxSpeed, one.Config.Cost.EveryStep
			v.add(outcome, time.Since(began).Seconds())
			progress(i*len(seeds)+k+1, len(variants)*len(seeds))
		}
		t.Variants = append(t.Variants, v)
	}
	return t, nil
}

// variantsOf returns the assignments that make each variant.
func variantsOf(l *Trajectory, assignments []string) [][]string {
	for _, text := range assignments {
		switch a, err := params.ParseAssignment(text); {
		case err != nil:
		case a.Name == "cost.every_step", a.Name == "plant.max_effort", a.Name == "plant.max_speed":
			return [][]string{nil}
		}
	}
	variants := l.Config.Variants()
	if len(variants) == 0 {
		return [][]string{nil}
	}
	var list [][]string
	for _, r := range variants {
		list = append(list, []string{limitAssignment("plant.max_effort", r.MaxEffort, len(l.Simulated.Plant.MaxEffort)),
			limitAssignment("plant.max_speed", r.MaxSpeed, len(l.Simulated.Plant.MaxSpeed)), fmt.Sprintf("cost.every_step=%v", r.EveryStep)})
	}
	for i := range list {
		list[i] = slices.DeleteFunc(list[i], func(s string) bool { return s == "" })
	}
	return list
}

// limitAssignment sets all n entries of a limit, "" if there are none.
func limitAssignment(name string, v float64, n int) string {
	if n == 0 {
		return ""
	}
	text := ""
	for range n {
		text += fmt.Sprintf(", %#v", v)
	}
	return fmt.Sprintf("%s=[%s]", name, text[2:])
}

func (v *TrajectoryVariant) add(o *trajectory.Outcome, seconds float64) {
	if r := o.Reference; r != nil {
		v.Reference, v.Margin = &r.Cost, r.Margin
		if r.Reached(o.Cost) {
			v.Reached++
		}
		if o.Cost <= r.Cost*(1+halfAPercent) {
			v.Within++
		}
	}
	v.Cost = append(v.Cost, o.Cost)
	v.Iterations = append(v.Iterations, len(o.Descents[o.Best].Iterations))
	v.Total = append(v.Total, o.Total())
	v.Seconds = append(v.Seconds, seconds)
}

// Write writes the table as text.
func (t *TrajectoryTable) Write(w io.Writer) error {
	fmt.Fprintf(w, "%s: cost over %d seeds\n", t.Task, len(t.Seeds))
	fmt.Fprintf(w, "%10s %10s %6s %11s %11s %11s %11s %8s %8s %10s %10s %8s\n", "effort", "speed", "cost at", "best known", "least", "median", "most", "<= 0.5%", "reached", "iterations", "all starts", "seconds")
	for _, v := range t.Variants {
		charged, reference, within, reached := "the end", "-", "-", "-"
		if v.EveryStep {
			charged = "all"
		}
		if v.Reference != nil {
			reference = fmt.Sprintf("%.7g", *v.Reference)
			within = fmt.Sprintf("%d/%d", v.Within, len(t.Seeds))
			reached = fmt.Sprintf("%d/%d", v.Reached, len(t.Seeds))
		}
		fmt.Fprintf(w, "%10s %10s %6s %11s %11.7g %11.7g %11.7g %8s %8s %10s %10.0f %8.3f\n", limitText(v.MaxEffort), limitText(v.MaxSpeed), charged, reference,
			slices.Min(v.Cost), median(v.Cost), slices.Max(v.Cost), within, reached, fmt.Sprintf("%d-%d", slices.Min(v.Iterations), slices.Max(v.Iterations)), median(floats(v.Total)), median(v.Seconds))
	}
	_, err := fmt.Fprintln(w, "reached: at most the task's margin above the best known cost. iterations: least and most of the descents that ended best; all starts: median over the seeds.")
	return err
}

func limitText(v []float64) string {
	if len(v) == 0 {
		return "none"
	}
	text := fmt.Sprint(v)
	return text[1 : len(text)-1]
}

func floats(v []int) []float64 {
	list := make([]float64, len(v))
	for i, n := range v {
		list[i] = float64(n)
	}
	return list
}
