package main

import (
	"os"

	"github.com/spf13/cobra"

	"guidedpolicysearch/node"
	"guidedpolicysearch/node/console"
)

func replayCommand() *cobra.Command {
	var cfg node.ReplayConfig
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "replay RUN",
		Short: "Make the updates of a run again from its rollouts, and say what would have changed",
		Long: `Makes the updates of a run again from its recorded rollouts, with other hyper-parameters (--set), and
says what would have changed: improvement that is promised, KL divergence, eta, step multiplier, loss
of the policy, and how far the new controllers are from the recorded ones. The run's folder is only read.

Without --all every update begins with the recorded state before it. With --all each goes on from the
replayed one before; then the rollouts of later iterations were drawn by the recorded controllers, not
by those that are improved (off-policy), which is said. --out keeps the result as a run of its own.

Parameters that define the trials (robot, conditions, noise, steps, seed, first controllers) cannot be
changed: the trials are recorded. With nothing changed every checkpoint has to come out byte for byte,
which checks the program, the machine and the files.`,
		Example: `  gps replay runs/2026-01-31_12-00-00
  gps replay runs/2026-01-31_12-00-00 --iteration 3 --set algorithm.kl_step=0.5
  gps replay runs/2026-01-31_12-00-00 --all --set algorithm.prior.use=false --json
  gps replay runs/2026-01-31_12-00-00 --all --set algorithm.type=mdgps --out runs/replayed`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := os.Stat(args[0]); err != nil {
				return status(err)
			}
			cfg.Run = args[0]
			if cmd.Flags().Changed("iteration") && cfg.Iteration == 0 {
				cfg.Iteration = -1 // which is refused
			}
			r, err := node.OpenReplay(cfg)
			if err != nil {
				return status(err)
			}
			var bar *console.Task
			result, err := r.Run(cmd.Context(), func(done, total int) {
				if bar == nil {
					bar = console.NewTask(os.Stderr, "replaying updates", total)
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
				return printJSON(result)
			}
			if err := result.Write(os.Stdout); err != nil {
				return exitStatus{statusFailed, err}
			}
			return nil
		},
	}
	cmd.Flags().IntVar(&cfg.Iteration, "iteration", 0, "replay this update alone (default: every one)")
	cmd.Flags().BoolVar(&cfg.All, "all", false, "replay the whole run as a chain: each update goes on from the replayed one before")
	cmd.Flags().StringArrayVar(&cfg.Set, "set", nil, "set a parameter, NAME=VALUE; may be given several times")
	cmd.Flags().StringVar(&cfg.Out, "out", "", "keep the result of --all as a new run in this folder")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}
