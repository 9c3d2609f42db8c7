package main

import (
	"os"

	"github.com/spf13/cobra"

	"guidedpolicysearch/node"
)

func paramsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "params [NODE...]",
		Short: "Print every parameter with its description, type, range, unit and default",
		Long: `Prints every parameter of guided_policy_search, sim_robot and trajectory_optimizer, or of
those that are named, in the form of a parameter file: a comment with description, type,
range and unit, and the default.`,
		Example: `  gps params
  gps params guided_policy_search sim_robot > my_arm.yaml`,
		ValidArgs: node.Names(),
		Args:      oneOf("node", node.Names()),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = node.Names()
			}
			if err := node.WriteDefaults(os.Stdout, args...); err != nil {
				return exitStatus{1, err}
			}
			return nil
		},
	}
}
