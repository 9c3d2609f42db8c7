package node

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"syscall"

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

// learnerNice is the learner's nice value (setpriority(2)): a busy machine gives its time to the
// control loop and to the robot's driver first.
const learnerNice = 10

// ServeLearner is the learner process, at a low priority: args are what follows LearnerCommand.
func ServeLearner(ctx context.Context, args []string, r io.Reader, w io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("%s needs a run folder; it is started by the node, not by hand", LearnerCommand)
	}
	// A process group of its own: all of its threads make way for the control loop. More time for
	// others needs no privilege. The second time is for threads that others were starting meanwhile.
	for range 2 {
		if err := syscall.Setpriority(syscall.PRIO_PGRP, 0, learnerNice); err != nil {
			return fmt.Errorf("the learner's priority: %w", err)
		}
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
