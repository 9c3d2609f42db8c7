package report

import (
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/record"
)

// Task is what a run learned, by its parameters.
type Task struct {
	// Mode is train or run.
	Mode string `param:"mode" desc:"What the node does." choices:"train|run"`
	// RobotConfig describes the robot.
	RobotConfig robot.Config `param:"robot"`
	// Config holds the settings of learning.
	learner.Config
}

// readTask reads the parameters of a run, maybe one of another version of the program: what is not
// there has its default, what is not known is left out.
func readTask(path string) (*Task, error) {
	task := &Task{Mode: "train", RobotConfig: robot.DefaultConfig(), Config: learner.DefaultConfig()}
	if _, err := params.ReadRecorded(path, task); err != nil {
		return nil, err
	}
	return task, nil
}

// readRobot makes the robot of a run, by the description in its folder where there is one.
func readRobot(dir string, c robot.Config) (*robot.Robot, error) {
	m, err := record.ReadDescription(dir)
	if err != nil {
		return nil, err
	}
	return robot.New(c, m)
}

// readTaskOf reads parameters and robot of a run as far as they can be read.
func (r *Run) readTaskOf() {
	task, err := readTask(r.folder.Path(record.ParamsFile))
	if err != nil {
		r.note(record.ParamsFile, err)
		return
	}
	r.Task = task
	if r.Robot, err = readRobot(r.folder.Dir(), task.RobotConfig); err != nil {
		r.Robot = nil
		r.note(record.ParamsFile, err)
		return
	}
	problem, err := learner.NewProblem(task.Config, r.Robot)
	if err != nil {
		r.note(record.ParamsFile, err)
		return
	}
	r.target = problem.Target()
}
