package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"guidedpolicysearch/node"
	"guidedpolicysearch/node/console"
	"guidedpolicysearch/node/dataset"
	"guidedpolicysearch/node/policyfile"
)

func exportCommand() *cobra.Command {
	var asJSON bool
	var selected dataset.Selection
	cmd := &cobra.Command{
		Use:   "export RUN|POLICY DEST",
		Short: "Write a learned policy as an ONNX model, or rollouts as a dataset (CSV, Parquet, NPZ)",
		Long: `Writes what the ending of DEST says.

.onnx: the policy of a run folder, or a policy file, as an ONNX model: one input, observation, in the
robot's units, whose normalisation is inside, and one output, action, the torques. The names of both are
in the model's properties. Policies of local controllers have no form in ONNX.

.csv, .parquet, .npz, or a folder (no ending): the rollouts of a run as a dataset: states, actions as
applied and as commanded, initial states, noise seeds, costs of trials and of time steps, stamps, with
the names and units of all columns. CSV and Parquet are long tables with a row per time step (CSV has
the units in a second file, .columns.csv; Parquet in its metadata); NPZ has an array per quantity with
a trial per row; a folder gets trials.csv, steps.csv and columns.csv. Trials are read one after the
other, so that memory does not grow with their number.`,
		Example: `  gps export runs/2026-01-31_12-00-00 policy.onnx
  gps export runs/2026-01-31_12-00-00/policies/policy_0003.gps third.onnx --json
  gps export runs/2026-01-31_12-00-00 rollouts.parquet
  gps export runs/2026-01-31_12-00-00 last.npz --iteration 9,10 --condition 0
  gps export runs/2026-01-31_12-00-00 tables`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := os.Stat(args[0]); err != nil {
				return status(err)
			}
			if filepath.Ext(args[1]) == policyfile.Extension {
				if cmd.Flags().Changed("iteration") || cmd.Flags().Changed("condition") {
					return exitStatus{statusArguments, fmt.Errorf("--iteration and --condition choose rollouts, %s is a policy: name the policy of an iteration, such as policies/policy_0003.gps in the run folder", args[1])}
				}
				return exportPolicy(args[0], args[1], asJSON)
			}
			return exportRollouts(cmd, args[0], args[1], selected, asJSON)
		},
	}
	cmd.Flags().IntSliceVar(&selected.Iterations, "iteration", nil, "rollouts of these iterations alone, from 1; 0 are imported ones (default: all)")
	cmd.Flags().IntSliceVar(&selected.Conditions, "condition", nil, "rollouts of these conditions alone, from 0 (default: all)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func exportPolicy(from, to string, asJSON bool) error {
	e, err := node.ExportPolicy(from, to)
	if err != nil {
		return status(err)
	}
	if asJSON {
		return printJSON(e)
	}
	fmt.Printf("%s: %d bytes, ONNX operator set %d\nobservation [%d]: %s\naction [%d]: %s\nevery %v s\n", e.File, e.Bytes, e.Opset,
		len(e.Observations), strings.Join(e.Observations, ", "), len(e.Actions), strings.Join(e.Actions, ", "), e.Step)
	return nil
}

func exportRollouts(cmd *cobra.Command, run, dest string, selected dataset.Selection, asJSON bool) error {
	var bar *console.Task
	s, err := node.ExportRollouts(cmd.Context(), run, selected, dest, func(done, total int) {
		if bar == nil {
			bar = console.NewTask(os.Stderr, "exporting trials", total)
		}
		bar.Done(done)
	})
	if bar != nil {
		bar.Close()
	}
	if err != nil {
		return status(err)
	}
	if asJSON {
		return printJSON(s)
	}
	fmt.Printf("%s: %d trials, %d rows, %d bytes\nstate [%d]: %s\naction [%d]: %s\n", strings.Join(s.Files, ", "), s.Trials, s.Rows, s.Bytes,
		len(s.States), strings.Join(s.States, ", "), len(s.Actions), strings.Join(s.Actions, ", "))
	if !s.Costs {
		fmt.Println("costs are left out: the folder has no parameters, so that the cost is not known")
	}
	return nil
}
