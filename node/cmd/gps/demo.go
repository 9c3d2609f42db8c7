package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"guidedpolicysearch/node"
	"guidedpolicysearch/node/demo"
	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/transport"
)

func demoCommand() *cobra.Command {
	var set []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "demo PARAMS_FILE",
		Short: "Learn over ROS 2 topics: sim_robot and gps_node as two processes on loopback",
		Long: `Starts sim_robot and gps_node as two processes that see no network but loopback, and
waits until the learning is done. The exit status is 0 only if it learned: the final mean
cost is at or below the reference's, with its margin.`,
		Example: `  gps demo params/planar_arm.yaml
  gps demo params/planar_arm.yaml --real-time-factor 1.0
  gps demo params/planar_arm.yaml --json`,
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
			o := demo.Options{Programs: filepath.Dir(exe), ParamsFile: args[0], Domain: opt.Domain,
				Node: append([]string{"-p", "console:=table"}, rosParameters(forNode)...), Simulator: rosParameters(forSim),
				Stdout: os.Stdout, Stderr: os.Stderr}
			folder := ""
			if asJSON {
				if folder, err = demoFolder(args[0], list); err != nil {
					return exitStatus{statusFailed, err}
				}
				o.Node, o.Stdout = append(o.Node, "-p", "run_folder:='"+folder+"'"), os.Stderr
			}
			code, err := demo.Run(cmd.Context(), o)
			if ctxErr := cmd.Context().Err(); ctxErr != nil {
				err = errors.Join(ctxErr, err)
			}
			if err != nil && code == 0 {
				code = statusFailed
			}
			if err == nil && asJSON && (code == 0 || code == statusNotLearned) {
				if err := printDemo(args[0], list, folder, code == 0); err != nil {
					return exitStatus{statusFailed, err}
				}
			}
			if code != 0 || err != nil {
				return exitStatus{code, err}
			}
			return nil
		},
	}
	cmd.Flags().Float64("real-time-factor", 0, "simulated seconds per second; 0 is as fast as possible")
	cmd.Flags().Uint64("seed", 0, "names all random numbers (parameter seed)")
	cmd.Flags().Int("iterations", 0, "iterations of the run (parameter iterations)")
	cmd.Flags().StringArrayVar(&set, "set", nil, "set a parameter of either process, NAME=VALUE; may be given several times")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object as the last line of standard output, as gps train; the rest goes to standard error")
	return cmd
}

// demoFolder returns the folder that the run is to have: the one that is named, or a new one.
func demoFolder(file string, assignments []string) (string, error) {
	cfg, _, _, err := node.LoadFile(file, assignments)
	if err != nil {
		return "", err
	}
	folder := cfg.RunFolder
	if folder == "" {
		if folder, err = record.NewRunDir(cfg.RunsFolder); err != nil {
			return "", err
		}
	}
	return filepath.Abs(folder)
}

// printDemo prints what the run's folder says of it.
func printDemo(file string, assignments []string, folder string, learned bool) error {
	cfg, _, _, err := node.LoadFile(file, assignments)
	if err != nil {
		return err
	}
	out := trainJSON{Seed: cfg.Seed, RunFolder: folder}
	if len(cfg.Reference.MeanCost) > 0 {
		out.Learned = &learned
	}
	f, err := os.Open(filepath.Join(folder, record.IterationsFile))
	if err != nil {
		return err
	}
	defer f.Close()
	for decoder := json.NewDecoder(f); ; {
		r := new(learner.Report)
		if err := decoder.Decode(r); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("%s: %w", f.Name(), err)
		}
		out.Iterations, out.FinalMeanCost = append(out.Iterations, r), r.MeanCost
	}
	return printJSON(out)
}

func rosParameters(assignments []string) []string {
	var args []string
	for _, a := range assignments {
		args = append(args, "-p", a)
	}
	return args
}
