package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"guidedpolicysearch/node"
	"guidedpolicysearch/node/console"
)

func tableCommand() *cobra.Command {
	var set []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "table PARAMS_FILE...",
		Short: "Train with several seeds and print the cost per iteration beside the reference's",
		Example: `  gps table params/planar_arm.yaml params/planar_arm_gravity.yaml
  gps table params/planar_arm.yaml --seeds 3 --first-seed 100 --json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			count, err := cmd.Flags().GetInt("seeds")
			if err == nil && (count < 1 || count > 10000) {
				err = fmt.Errorf("--seeds is %d, need 1 to 10000", count)
			}
			first, err2 := cmd.Flags().GetUint64("first-seed")
			if err != nil || err2 != nil {
				return exitStatus{2, fmt.Errorf("%w%v", err, err2)}
			}
			seeds := make([]uint64, count)
			for i := range seeds {
				seeds[i] = first + uint64(i)
			}
			var tables []*node.LearningTable
			for _, path := range args {
				progress := console.New(os.Stderr, console.Config{Iterations: 1, Trials: count, Terminal: console.IsTerminal(os.Stderr)})
				list := assignments(cmd, set, map[string]string{"iterations": "iterations"})
				if _, _, _, err := node.LoadFile(path, list); err != nil {
					return exitStatus{2, err}
				}
				t, err := node.MakeLearningTable(cmd.Context(), path, list, seeds, func(done int) { _ = progress.Progress(1, done) })
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
				line, err := json.Marshal(tables)
				if err != nil {
					return exitStatus{1, err}
				}
				fmt.Println(string(line))
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
