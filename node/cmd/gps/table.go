package main

import (
	"errors"
	"fmt"
	"math"
	"os"

	"github.com/spf13/cobra"

	"guidedpolicysearch/node"
	"guidedpolicysearch/node/console"
	"guidedpolicysearch/node/params"
)

const maxSeeds = 10000

func tableCommand() *cobra.Command {
	var set []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "table PARAMS_FILE...",
		Short: "Train with several seeds and print the cost per iteration beside the reference's",
		Long: `Trains with several seeds and prints the cost per iteration beside the reference's. Of a
file that holds parameters of trajectory_optimizer, it optimises every variant that has a
best known cost, and prints how many seeds reach it.`,
		Example: `  gps table params/planar_arm.yaml params/planar_arm_gravity.yaml
  gps table params/planar_arm.yaml --seeds 3 --first-seed 100 --json
  gps table params/pendulum_ilqg.yaml --seeds 20`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			seeds, err := seedsOf(cmd, set)
			if err != nil {
				return exitStatus{2, err}
			}
			tables := []any{}
			for _, path := range args {
				known, err := node.IsTrajectoryFile(path)
				if err != nil {
					return exitStatus{2, err}
				}
				if known {
					t, err := tableTrajectory(cmd, path, assignments(cmd, set, map[string]string{"iterations": "iterations"}), seeds)
					if err != nil {
						return err
					}
					tables = append(tables, t)
					if !asJSON {
						if err := t.Write(os.Stdout); err != nil {
							return exitStatus{1, err}
						}
					}
					continue
				}
				list := assignments(cmd, set, map[string]string{"iterations": "iterations"})
				_, setup, _, err := node.LoadFile(path, list)
				if err != nil {
					return exitStatus{2, err}
				}
				for _, w := range setup.Warnings {
					fmt.Fprintln(os.Stderr, w)
				}
				bar := console.NewTask(os.Stderr, "training seeds", len(seeds))
				bar.Done(0)
				t, err := node.MakeLearningTable(cmd.Context(), path, list, seeds, bar.Done)
				bar.Close()
				if err != nil {
					return exitStatus{1, err}
				}
				tables = append(tables, t)
				if !asJSON {
					if err := t.Write(os.Stdout); err != nil {
						return exitStatus{1, err}
					}
				}
			}
			if asJSON {
				return printJSON(tables)
			}
			return nil
		},
	}
	cmd.Flags().Int("seeds", 10, "how many seeds")
	cmd.Flags().Uint64("first-seed", 1, "the first of them")
	cmd.Flags().Int("iterations", 0, "iterations of each run (parameter iterations)")
	cmd.Flags().StringArrayVar(&set, "set", nil, "set a parameter, NAME=VALUE; may be given several times")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON array")
	return cmd
}

// seedsOf returns the seeds that the flags name. set are the assignments given, which must
// leave the seed alone.
func seedsOf(cmd *cobra.Command, set []string) ([]uint64, error) {
	count, countErr := cmd.Flags().GetInt("seeds")
	first, firstErr := cmd.Flags().GetUint64("first-seed")
	if err := errors.Join(countErr, firstErr); err != nil {
		return nil, err
	}
	var wrong []error
	if count < 1 || count > maxSeeds {
		wrong = append(wrong, fmt.Errorf("--seeds is %d, need 1 to %d", count, maxSeeds))
	} else if first > math.MaxInt64-uint64(count-1) {
		// A parameter is a signed integer.
		wrong = append(wrong, fmt.Errorf("--first-seed is %d, need at most %d for %d seeds", first, math.MaxInt64-uint64(count-1), count))
	}
	for _, text := range set {
		if a, err := params.ParseAssignment(text); err == nil && a.Name == "seed" {
			wrong = append(wrong, fmt.Errorf("--set %s: a table is over several seeds, name the first with --first-seed", text))
		}
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	seeds := make([]uint64, count)
	for i := range seeds {
		seeds[i] = first + uint64(i)
	}
	return seeds, nil
}
