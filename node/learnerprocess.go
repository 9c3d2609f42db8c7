package node

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/record"
)

// LearnerCommand is the first argument of the program when it is to be the learner.
const LearnerCommand = "learner"

// LearnerArguments returns the arguments that make the program the learner of a run
// folder of the node: ServeLearner understands them.
func LearnerArguments(name rcl.NodeName, runFolder string) []string {
	return []string{LearnerCommand, runFolder, "--ros-args", "-r", "__node:=" + name.Name, "-r", "__ns:=" + name.Namespace,
		"--params-file", filepath.Join(runFolder, record.ParamsFile)}
}

// ServeLearner is the learner process: args are what follows LearnerCommand.
func ServeLearner(ctx context.Context, args []string, r io.Reader, w io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("%s needs a run folder; it is started by the node, not by hand", LearnerCommand)
	}
	parsed, err := rcl.Parse(args[1:])
	if err != nil {
		return err
	}
	_, cfg, err := Load(parsed)
	if err != nil {
		return err
	}
	arm, err := recordedRobot(cfg.Robot, args[0])
	if err != nil {
		return err
	}
	problem, err := learner.NewProblem(cfg.Learning, arm)
	if err != nil {
		return err
	}
	folder, err := record.View(args[0])
	if err != nil {
		return err
	}
	return learner.Serve(ctx, problem, folder, r, w)
}
