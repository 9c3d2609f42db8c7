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
or an MCAP file), a policy (.gps), an ONNX model, a parameter file, recorded intermediates or a
dataset of rollouts (.npz).
Of a run: its task, how far it is, its costs, trials that faults broke off, what was set aside, and
which process writes it now. Of its recordings the ends are read, not the messages, so that runs of ten
thousand trials open at once, and of checkpoints, policies and intermediates as many as take no time;
what was not read is said. The bag's metadata.yaml is compared with the recordings. A file that is named
is read as a whole. The exit status is 4 if something is damaged, or nothing that is known; the place is
said, and whatever else was named is described all the same.`,
		Example: `  gps inspect runs/2026-01-31_12-00-00
  gps inspect runs/2026-01-31_12-00-00/checkpoints/checkpoint_0003.gps --json
  gps inspect policy.onnx recording.mcap`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			for _, path := range args {
				if _, err := os.Stat(path); err != nil {
					return status(err)
				}
			}
			var reports []*inspection.Report
			var first error // what the command fails with
			for i, path := range args {
				r, err := inspection.Open(path)
				if r == nil {
					return status(err)
				}
				reports = append(reports, r)
				if err == nil && len(r.Damaged) > 0 {
					err = fmt.Errorf("%w: %s", inspection.ErrDamaged, r.Damaged[0])
				}
				if first == nil && err != nil {
					first = status(err)
				}
				if asJSON {
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
			return first
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
