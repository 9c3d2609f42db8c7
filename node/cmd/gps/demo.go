package main

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"guidedpolicysearch/node"
	"guidedpolicysearch/node/demo"
	"guidedpolicysearch/node/transport"
)

func demoCommand() *cobra.Command {
	var set []string
	cmd := &cobra.Command{
		Use:   "demo PARAMS_FILE",
		Short: "Learn over ROS 2 topics: sim_robot and gps_node as two processes on loopback",
		Long: `Starts sim_robot and gps_node as two processes that see no network but loopback, and
waits until the learning is done. The exit status is 0 only if it learned: the final mean
cost is at or below the reference's, with its margin.`,
		Example: `  gps demo params/planar_arm.yaml
  gps demo params/planar_arm.yaml --real-time-factor 1.0`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			list := assignments(cmd, set, map[string]string{"seed": "seed", "iterations": "iterations", "real-time-factor": "real_time_factor"})
			// Mistakes are shown before anything starts.
			forNode, forSim, err := node.SplitAssignments(args[0], list)
			if err != nil {
				return exitStatus{2, err}
			}
			opt, err := transport.Options{}.FromEnvironment(os.Getenv)
			if err != nil {
				return exitStatus{2, err}
			}
			exe, err := os.Executable()
			if err != nil {
				return exitStatus{1, err}
			}
			status, err := demo.Run(cmd.Context(), demo.Options{Programs: filepath.Dir(exe), ParamsFile: args[0], Domain: opt.Domain,
				Node: append([]string{"-p", "console:=table"}, rosParameters(forNode)...), Simulator: rosParameters(forSim),
				Stdout: os.Stdout, Stderr: os.Stderr})
			if ctxErr := cmd.Context().Err(); ctxErr != nil {
				err = errors.Join(ctxErr, err)
			}
			if err != nil && status == 0 {
				status = 1
			}
			if status != 0 || err != nil {
				return exitStatus{status, err}
			}
			return nil
		},
	}
	cmd.Flags().Float64("real-time-factor", 0, "simulated seconds per second; 0 is as fast as possible")
	cmd.Flags().Uint64("seed", 0, "names all random numbers (parameter seed)")
	cmd.Flags().Int("iterations", 0, "iterations of the run (parameter iterations)")
	cmd.Flags().StringArrayVar(&set, "set", nil, "set a parameter of either process, NAME=VALUE; may be given several times")
	return cmd
}

func rosParameters(assignments []string) []string {
	var args []string
	for _, a := range assignments {
		args = append(args, "-p", a)
	}
	return args
}
