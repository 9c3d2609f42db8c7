package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"guidedpolicysearch/node/inspection"
)

func inspectCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "inspect PATH...",
		Short: "Tell what a run, a checkpoint, a bag, a policy or another file is, and whether it is whole",
		Long: `Tells by its content what is at a path, and describes it: a run folder, a checkpoint, a bag (its folder
or an MCAP file), a policy (.gps), an ONNX model, a parameter file, or recorded intermediates (.npz).
Of a run: its task, how far it is, its costs, trials that faults broke off, what was set aside, and
which process writes it now. Recordings are not read as a whole, so that runs of ten thousand trials
open at once. The exit status is 4 if something is damaged; then the place is said too.`,
		Example: `  gps inspect runs/2026-01-31_12-00-00
  gps inspect runs/2026-01-31_12-00-00/checkpoints/checkpoint_0003.gps --json
  gps inspect policy.onnx recording.mcap`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			var reports []*inspection.Report
			damaged := 0
			for i, path := range args {
				r, err := inspection.Open(path)
				if err != nil {
					return status(err)
				}
				if reports, damaged = append(reports, r), damaged+len(r.Damaged); asJSON {
					continue
				}
				if i > 0 {
					fmt.Println()
				}
				if err := r.Write(os.Stdout); err != nil {
					return exitStatus{statusFailed, err}
				}
			}
			if asJSON {
				if err := printReports(reports); err != nil {
					return err
				}
			}
			if damaged > 0 {
				return exitStatus{statusDamaged, fmt.Errorf("%w: %s", inspection.ErrDamaged, firstDamage(reports))}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object, or an array of several")
	return cmd
}

// printReports prints one object, or an array of several.
func printReports(reports []*inspection.Report) error {
	if len(reports) == 1 {
		return printJSON(reports[0])
	}
	return printJSON(reports)
}

func firstDamage(reports []*inspection.Report) string {
	for _, r := range reports {
		if len(r.Damaged) > 0 {
			return r.Damaged[0]
		}
	}
	return ""
}
