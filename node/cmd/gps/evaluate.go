package main

import (
	"os"

	"github.com/spf13/cobra"

	"guidedpolicysearch/node"
	"guidedpolicysearch/node/console"
)

func evaluateCommand() *cobra.Command {
	var set []string
	var asJSON bool
	var paramsFile string
	var cfg node.EvaluationConfig
	cmd := &cobra.Command{
		Use:   "evaluate RUN|POLICY",
		Short: "Run what was learned from other starts, without exploration noise",
		Long: `Runs what a run learned (RUN is its folder), or a policy (a file .gps or .onnx), on a simulated robot
in this process, without exploration noise and with the safety of a run. The trials begin at
conditions.test_position, or at positions drawn between conditions.test_lower and
conditions.test_upper; without those, within the smallest box around the conditions that were
trained on. A trial succeeded if success.text holds at its end; where the task has none, if the end
effector is within --distance of its target.

Robot, cost and simulated robot are those of the run folder, or of the parameter file --params.`,
		Example: `  gps evaluate runs/2026-01-31_12-00-00 --starts 50
  gps evaluate runs/2026-01-31_12-00-00/policies/policy_0003.gps --seed 7 --json
  gps evaluate policy.onnx --params params/mdgps_arm2.yaml`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			task, err := node.OpenPolicyTask(args[0], paramsFile, set)
			if err != nil {
				return exitStatus{2, err}
			}
			e, err := node.NewEvaluator(task, cfg)
			if err != nil {
				return exitStatus{2, err}
			}
			bar := console.NewTask(os.Stderr, "running trials", e.Starts())
			bar.Done(0)
			result, err := e.Run(cmd.Context(), bar.Done)
			bar.Close()
			if err != nil {
				return exitStatus{1, err}
			}
			if asJSON {
				return printJSON(result)
			}
			if err := result.Write(os.Stdout); err != nil {
				return exitStatus{1, err}
			}
			return nil
		},
	}
	cmd.Flags().IntVar(&cfg.Starts, "starts", 50, "trials, at most as many as conditions.test_position has, if it is given")
	cmd.Flags().Uint64Var(&cfg.Seed, "seed", 1, "names the random numbers of the starts")
	cmd.Flags().Float64Var(&cfg.Distance, "distance", 0.03, "distance of the end effector from its target at the end, in m, that counts as success where success.text is empty")
	cmd.Flags().StringVar(&paramsFile, "params", "", "parameter file of the task (default: that of the run folder)")
	cmd.Flags().StringArrayVar(&set, "set", nil, "set a parameter, NAME=VALUE; may be given several times")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}
