package main

import (
	"io"
	"os"

	"github.com/spf13/cobra"

	"guidedpolicysearch/node"
	"guidedpolicysearch/node/learner"
)

// trainJSON is the last line of `gps train --json`.
type trainJSON struct {
	Iterations    []*learner.Report `json:"iterations"`
	FinalMeanCost float64           `json:"final_mean_cost"`
	Seed          uint64            `json:"seed"`
	RunFolder     string            `json:"run_folder"`
	// Learned is null where there is no reference to compare with.
	Learned *bool `json:"learned"`
}

func trainCommand() *cobra.Command {
	var set []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "train PARAMS_FILE",
		Short: "Learn on a simulated robot in this process, without ROS topics",
		Long: `Learns on a simulated robot in this process, without ROS topics. With a file that holds
parameters of trajectory_optimizer, optimises a trajectory of it under known dynamics.`,
		Example: `  gps train params/planar_arm.yaml
  gps train params/planar_arm.yaml --seed 7 --json
  gps train params/planar_arm.yaml --set algorithm.kl_step=0.5 --out runs/small_steps
  gps train params/pendulum_ilqg.yaml --set plant.max_effort=[2.0] --set cost.every_step=true`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if known, err := node.IsTrajectoryFile(args[0]); err != nil {
				return exitStatus{2, err}
			} else if known {
				return trainTrajectory(cmd, args[0], set, asJSON)
			}
			cfg, setup, simulated, err := node.LoadFile(args[0], assignments(cmd, set, map[string]string{"seed": "seed", "iterations": "iterations"}))
			if err != nil {
				return exitStatus{2, err}
			}
			if out := cmd.Flag("out"); out.Changed {
				cfg.RunFolder = out.Value.String()
			}
			cfg.Console = "table"
			var terminal io.Writer = os.Stdout
			if asJSON {
				terminal = os.Stderr
			}
			res, err := node.Train(cmd.Context(), cfg, setup, simulated, terminal)
			if err != nil {
				return exitStatus{1, err}
			}
			if !asJSON {
				return nil
			}
			out := trainJSON{Iterations: res.Reports, Seed: cfg.Seed, RunFolder: res.RunFolder}
			if n := len(res.Reports); n > 0 {
				out.FinalMeanCost = res.Reports[n-1].MeanCost
			}
			if res.Compared {
				out.Learned = &res.Learned
			}
			return printJSON(out)
		},
	}
	cmd.Flags().Uint64("seed", 0, "names all random numbers (parameter seed)")
	cmd.Flags().Int("iterations", 0, "iterations of the run (parameter iterations)")
	cmd.Flags().StringArrayVar(&set, "set", nil, "set a parameter, NAME=VALUE; may be given several times")
	cmd.Flags().String("out", "", "run folder (parameter run_folder; default a new one in runs_folder)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object as the last line of standard output; the rest goes to standard error")
	return cmd
}
