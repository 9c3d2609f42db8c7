package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"guidedpolicysearch/gps/initial"
	"guidedpolicysearch/hardware/trajectory"
	"guidedpolicysearch/node"
	"guidedpolicysearch/node/console"
	"guidedpolicysearch/node/demonstration"
	"guidedpolicysearch/node/importing"
	"guidedpolicysearch/node/record"
)

func importCommand() *cobra.Command {
	var asJSON bool
	c := node.ImportConfig{Config: importing.DefaultConfig()}
	cmd := &cobra.Command{
		Use:   "import BAG|FILE... --out RUN",
		Short: "Make rollouts of bags and CSV files of any node's joint states and commands",
		Long: `Makes rollouts of recorded motions: of rosbag2 bags (their folders), MCAP files, and CSV files with the
columns time, JOINT.position, JOINT.effort and maybe JOINT.velocity. Motions are resampled to time
steps; a motion longer than --steps becomes several rollouts. Bags that were cut off are read as far as
they go, and what is lost is said.

A recording is cut into stretches at pauses, where a clock was set back, and where a trial of a run
begins; each is made rollouts of by itself. Left out, and said, are stretches shorter than one
rollout, and, with --commands, what was recorded before the first command and while none came.

The rollouts go to --out, the folder of a run or of a new one, as those of iteration 0, each in a file
with the messages that it was made of. Robot, time step and number of steps are those of the
parameter file --params or of the run's own; without either, the joints are those of the file and
the state their positions and velocities.`,
		Example: `  gps import my_bag --out imported --commands /effort_controller/commands --dt 0.01
  gps import first.mcap second.mcap --out runs/2026-01-31_12-00-00
  gps import *.csv --out imported --params params/arm7_reach.yaml --json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c.Files = args
			c.GivenDT, c.GivenSteps = cmd.Flags().Changed("dt"), cmd.Flags().Changed("steps")
			bar := console.NewTask(os.Stderr, "reading motions", len(args))
			result, err := node.ImportRollouts(cmd.Context(), c, bar.Done)
			bar.Close()
			if err != nil {
				return exitStatus{importStatus(err), err}
			}
			for _, note := range result.Notes {
				fmt.Fprintln(os.Stderr, "gps: "+note)
			}
			if asJSON {
				return printJSON(result)
			}
			for _, r := range result.Rollouts {
				fmt.Printf("%s: %d steps of %v s, %d joints, from %s\n", r.Path, r.Steps, r.DT, len(r.Joints), r.Source)
			}
			fmt.Printf("%d rollouts in %s\n", len(result.Rollouts), result.Folder)
			return nil
		},
	}
	cmd.Flags().StringVar(&c.Out, "out", "", "folder of the run that the rollouts go to; one that is not there, or empty, becomes a new run's")
	cmd.Flags().StringVar(&c.Params, "params", "", "parameter file of the task (default: that of the run --out)")
	cmd.Flags().StringVar(&c.Topics.JointStates, "joint-states", c.Topics.JointStates, "topic of the sensor_msgs/msg/JointState messages")
	cmd.Flags().StringVar(&c.Topics.Commands, "commands", "", "topic of the efforts that were commanded, std_msgs/msg/Float64MultiArray in the order of the joints (default: the efforts in the joint states)")
	cmd.Flags().StringSliceVar(&c.Joints, "joints", nil, "joints to take, in this order, without a task (default: all, in the order of the file)")
	cmd.Flags().Float64Var(&c.DT, "dt", c.DT, "length of a time step in s; of a task, its own unless this is given")
	cmd.Flags().IntVar(&c.Steps, "steps", 0, "time steps of a rollout (default: the task's, or one rollout of the whole motion)")
	cmd.Flags().Uint32Var(&c.Condition, "condition", 0, "initial state that the rollouts are of, from 0")
	cmd.Flags().Float64Var(&c.Begin, "begin", 0, "time in s after the first row, or joint state, of each file at which the first rollout begins")
	cmd.Flags().Float64Var(&c.Smoothing, "smoothing", c.Smoothing, "time in s around each row to which cubics are fitted for its velocity, where none are recorded")
	cmd.Flags().Float64Var(&c.MaxGap, "max-gap", c.MaxGap, "a longer time between two rows, in multiples of the usual one, is a pause; and so long a command holds without another one; 0 for any")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	_ = cmd.MarkFlagRequired("out")
	return cmd
}

// importStatus is 4 for files that are damaged or hold nothing that rollouts can be made of, 1 where
// the run folder cannot be written, else 2.
func importStatus(err error) int {
	for _, of := range []error{demonstration.ErrBag, importing.ErrMotion, trajectory.ErrFormat, trajectory.ErrSampling, initial.ErrDemonstration} {
		if errors.Is(err, of) {
			return statusDamaged
		}
	}
	if errors.Is(err, record.ErrDisk) || errors.Is(err, record.ErrLocked) {
		return statusFailed
	}
	return statusArguments
}
