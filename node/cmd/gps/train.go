package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"guidedpolicysearch/node"
	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/simrobot"
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
	var resume string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "train PARAMS_FILE | --resume RUN",
		Short: "Learn on a simulated robot in this process, without ROS topics",
		Long: `Learns on a simulated robot in this process, without ROS topics. With a file that holds
parameters of trajectory_optimizer, optimises a trajectory of it under known dynamics.

With --resume it goes on with a run that was ended at any moment, by its own parameters: the
outcome has the same bits as that of a run which nothing has ended.`,
		Example: `  gps train params/planar_arm.yaml
  gps train params/planar_arm.yaml --seed 7 --json
  gps train params/planar_arm.yaml --set algorithm.kl_step=0.5 --out runs/small_steps
  gps train --resume runs/small_steps --iterations 20
  gps train params/pendulum_ilqg.yaml --set plant.max_effort=[2.0] --set cost.every_step=true`,
		Args: func(cmd *cobra.Command, args []string) error {
			if resume != "" && len(args) == 0 {
				return nil
			}
			return cobra.ExactArgs(1)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			signal.Ignore(syscall.SIGPIPE) // a reader that goes away, as head does, ends no run
			if len(args) > 0 {
				if known, err := node.IsTrajectoryFile(args[0]); err != nil {
					return exitStatus{2, err}
				} else if known && resume != "" {
					return exitStatus{2, fmt.Errorf("--resume goes on with runs of trials; %s optimises a trajectory, which begins anew", args[0])}
				} else if known {
					return trainTrajectory(cmd, args[0], set, asJSON)
				}
			}
			cfg, setup, simulated, err := loadTraining(args, resume, assignments(cmd, set, map[string]string{"seed": "seed", "iterations": "iterations"}))
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
				return trainStatus(err)
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
	cmd.Flags().StringVar(&resume, "resume", "", "go on with the run in this folder (parameters run_folder and resume)")
	cmd.MarkFlagsMutuallyExclusive("resume", "out")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object as the last line of standard output; the rest goes to standard error")
	return cmd
}

// loadTraining reads the parameters of a file, or of the run to go on with, or both.
func loadTraining(args []string, resume string, set []string) (*node.Config, *node.Setup, *simrobot.Config, error) {
	if resume != "" {
		if _, err := record.View(resume); err != nil {
			return nil, nil, nil, fmt.Errorf("--resume: %w", err)
		}
	}
	if len(args) == 0 {
		return node.LoadRun(resume, set)
	}
	cfg, setup, simulated, err := node.LoadFile(args[0], set)
	if err == nil && resume != "" {
		cfg.RunFolder, cfg.Resume = resume, true
	}
	return cfg, setup, simulated, err
}
