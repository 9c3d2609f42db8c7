package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"guidedpolicysearch/node"
	"guidedpolicysearch/node/console"
	"guidedpolicysearch/node/efficiency"
)

func efficiencyCommand() *cobra.Command {
	var set []string
	var asJSON bool
	var plain, prior []int
	var criterion efficiency.Criterion
	cmd := &cobra.Command{
		Use:   "efficiency PARAMS_FILE...",
		Short: "Count the trials until a reaching task is learned, with and without the dynamics prior",
		Long: `Count the trials until a reaching task is learned, with and without the dynamics prior.

A task counts as learned after the first update whose controller, without exploration noise,
keeps the end effector within --distance of its target in the last --hold states of a trial.`,
		Example: `  gps efficiency params/reach_2_link.yaml params/reach_7_link.yaml
  gps efficiency params/reach_7_link.yaml --seeds 4 --plain 26,30,36 --json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			seeds, err := seedsOf(cmd, set)
			if err != nil {
				return exitStatus{2, err}
			}
			var variants []efficiency.Variant
			for _, n := range prior {
				variants = append(variants, efficiency.Variant{Prior: true, Samples: n})
			}
			for _, n := range plain {
				variants = append(variants, efficiency.Variant{Samples: n})
			}
			if err := criterion.Validate(variants); err != nil {
				return exitStatus{2, err}
			}
			var tables []*efficiency.Table
			for _, path := range args {
				task, err := loadTask(path, set)
				if err != nil {
					return exitStatus{2, err}
				}
				runs, done := len(variants)*len(seeds), 0
				bar := console.NewTask(os.Stderr, "learning", runs)
				bar.Done(0)
				t, err := efficiency.Make(cmd.Context(), task, variants, criterion, seeds, func() {
					done++
					bar.Done(done)
				})
				bar.Close()
				if err != nil {
					return exitStatus{1, err}
				}
				tables = append(tables, t)
				if asJSON {
					continue
				}
				if err := t.Write(os.Stdout); err != nil {
					return exitStatus{1, err}
				}
			}
			if !asJSON {
				return nil
			}
			line, err := json.Marshal(tables)
			if err == nil {
				_, err = fmt.Println(string(line))
			}
			if err != nil {
				return exitStatus{1, err}
			}
			return nil
		},
	}
	cmd.Flags().Int("seeds", 10, "how many seeds")
	cmd.Flags().Uint64("first-seed", 1, "the first of them")
	cmd.Flags().IntSliceVar(&prior, "prior", []int{3, 4, 5}, "trials per iteration with the prior, each tried")
	cmd.Flags().IntSliceVar(&plain, "plain", []int{5, 8, 10, 15, 20, 26, 28, 30, 36}, "trials per iteration with plain regression, each tried")
	cmd.Flags().Float64Var(&criterion.Distance, "distance", 0.03, "distance of the end effector from its target, in m, that counts as reached")
	cmd.Flags().IntVar(&criterion.Hold, "hold", 10, "how many states at the end of a trial must be within the distance")
	cmd.Flags().IntVar(&criterion.MaxTrials, "max-trials", 300, "trials after which a run counts as not learned")
	cmd.Flags().StringArrayVar(&set, "set", nil, "set a parameter, NAME=VALUE; may be given several times")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON array")
	return cmd
}

func loadTask(path string, set []string) (*efficiency.Task, error) {
	cfg, _, simulated, err := node.LoadFile(path, set)
	if err != nil {
		return nil, err
	}
	return &efficiency.Task{Name: filepath.Base(path), Learning: cfg.Learning, Robot: cfg.Robot, Simulated: *simulated,
		Noise: cfg.Noise.Exploration()}, nil
}
