package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"guidedpolicysearch/node"
	"guidedpolicysearch/node/console"
)

// trajectoryJSON is the last line of `gps train --json` for a file of trajectory_optimizer.
type trajectoryJSON struct {
	Iterations []node.TrajectoryIteration `json:"iterations"`
	FinalCost  float64                    `json:"final_cost"`
	// ReplayCost is the cost of the controls when the simulated robot runs them again.
	ReplayCost float64 `json:"replay_cost"`
	// Status is that of the best descent, Starts counts the descents and TotalIterations
	// the iterations of all.
	Status          string `json:"status"`
	Starts          int    `json:"starts"`
	TotalIterations int    `json:"total_iterations"`
	// Reference is the best known cost and Margin the part of it allowed on top; null and
	// 0 if there is none.
	Reference     *float64 `json:"reference"`
	ReferenceName string   `json:"reference_name"`
	Margin        float64  `json:"margin"`
	Seed          uint64   `json:"seed"`
	RunFolder     string   `json:"run_folder"`
	// Learned is null where there is no reference, else whether the cost is at or below it,
	// with its margin.
	Learned *bool `json:"learned"`
}

// trainTrajectory optimises the trajectory of a file of trajectory_optimizer.
func trainTrajectory(cmd *cobra.Command, file string, set []string, asJSON bool) error {
	l, err := node.LoadTrajectory(file, assignments(cmd, set, map[string]string{"seed": "seed", "iterations": "iterations"}))
	if err != nil {
		return exitStatus{2, err}
	}
	if out := cmd.Flag("out"); out.Changed {
		l.Config.RunFolder = out.Value.String()
	}
	var terminal io.Writer = os.Stdout
	if asJSON {
		terminal = os.Stderr
	}
	res, err := node.OptimizeTrajectory(cmd.Context(), l, terminal)
	if err != nil {
		return trainStatus(err)
	}
	if !asJSON {
		return nil
	}
	out := trajectoryJSON{Iterations: res.Iterations(), FinalCost: res.Cost, ReplayCost: res.ReplayCost, Status: string(res.Descents[res.Best].Status),
		Starts: len(res.Descents), TotalIterations: res.Total(), Seed: l.Config.Seed, RunFolder: res.RunFolder}
	if r := res.Reference; r != nil {
		learned := res.Reached()
		out.Reference, out.ReferenceName, out.Margin, out.Learned = &r.Cost, r.Name, r.Margin, &learned
	}
	return printJSON(out)
}

// tableTrajectory makes the table of a file of trajectory_optimizer.
func tableTrajectory(cmd *cobra.Command, file string, list []string, seeds []uint64) (*node.TrajectoryTable, error) {
	l, err := node.LoadTrajectory(file, list)
	if err != nil {
		return nil, exitStatus{2, err}
	}
	for _, w := range l.Warnings {
		fmt.Fprintln(os.Stderr, w)
	}
	var bar *console.Task
	t, err := node.MakeTrajectoryTable(cmd.Context(), file, list, seeds, func(done, of int) {
		if bar == nil {
			bar = console.NewTask(os.Stderr, "optimising", of)
		}
		bar.Done(done)
	})
	if bar != nil {
		bar.Close()
	}
	if err != nil {
		return nil, exitStatus{1, err}
	}
	return t, nil
}

func printJSON(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return exitStatus{1, err}
	}
	if _, err := fmt.Println(string(line)); err != nil {
		return exitStatus{1, err}
	}
	return nil
}
