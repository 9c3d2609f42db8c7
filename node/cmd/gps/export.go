package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"guidedpolicysearch/node"
	"guidedpolicysearch/node/policyfile"
)

func exportCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "export RUN|POLICY FILE.onnx",
		Short: "Write a learned policy as an ONNX model",
		Long: `Writes the policy of a run folder, or a policy file, as an ONNX model: one input, observation, in
the robot's units, whose normalisation is inside, and one output, action, the torques. The names of
both are in the model's properties. Policies of local controllers have no form in ONNX.`,
		Example: `  gps export runs/2026-01-31_12-00-00 policy.onnx
  gps export runs/2026-01-31_12-00-00/policies/policy_0003.gps third.onnx --json`,
		Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			if !strings.HasSuffix(args[1], policyfile.Extension) {
				return exitStatus{2, fmt.Errorf("%s: expected a name that ends in %s", args[1], policyfile.Extension)}
			}
			e, err := node.ExportPolicy(args[0], args[1])
			if errors.Is(err, os.ErrNotExist) || errors.Is(err, policyfile.ErrExport) {
				return exitStatus{2, err}
			}
			if err != nil {
				return exitStatus{1, err}
			}
			if asJSON {
				return printJSON(e)
			}
			fmt.Printf("%s: %d bytes, ONNX operator set %d\nobservation [%d]: %s\naction [%d]: %s\nevery %v s\n", e.File, e.Bytes, e.Opset,
				len(e.Observations), strings.Join(e.Observations, ", "), len(e.Actions), strings.Join(e.Actions, ", "), e.Step)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}
