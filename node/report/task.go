package report

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"guidedpolicysearch/hardware/models"
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/hardware/urdf"
	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/record"
)

// descriptionFile is the robot's description in a run folder.
const descriptionFile = "robot.urdf"

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
	nodes, err := rcl.ReadParamsFile(path)
	if err != nil {
		return nil, err
	}
	task := &Task{Mode: "train", RobotConfig: robot.DefaultConfig(), Config: learner.DefaultConfig()}
	set, err := params.Declare(task)
	if err != nil {
		return nil, err
	}
	names := set.Names()
	var known []rcl.Override
	for _, n := range nodes {
		for _, o := range n.Overrides {
			if slices.Contains(names, o.Name) {
				known = append(known, o)
			}
		}
	}
	if len(known) == 0 {
		return nil, fmt.Errorf("%s: holds no parameter of a learning node", path)
	}
	return task, set.Apply(known)
}

// readRobot makes the robot of a run, by the description in its folder where there is one.
func readRobot(dir string, c robot.Config) (*robot.Robot, error) {
	text, err := os.ReadFile(filepath.Join(dir, descriptionFile))
	switch {
	case os.IsNotExist(err) && c.URDF == "":
		return robot.New(c, nil)
	case os.IsNotExist(err):
		if text, err = models.Read(c.URDF); err != nil {
			return nil, fmt.Errorf("robot.urdf: %w", err)
		}
	case err != nil:
		return nil, err
	}
	m, err := urdf.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("the robot's description: %w", err)
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
