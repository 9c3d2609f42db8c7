package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/simrobot"
)

// LoadRun reads the parameters of a run in one process from its folder, for Train to go on with it.
// Assignments name=value are as in LoadFile; a change that makes it another problem is refused
// when the run is opened. Errors wrap record.ErrNotRun, or name the file and what is wrong.
func LoadRun(dir string, assignments []string) (*Config, *Setup, *simrobot.Config, error) {
	name, err := runName(dir)
	if err != nil {
		return nil, nil, nil, err
	}
	if _, err := os.Stat(filepath.Join(dir, record.SimulatorFile)); errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil, fmt.Errorf("%s holds no %s: its robot was in another process (gps_node --resume %[1]s); to go on in one process give the parameter file of robot and node too", dir, record.SimulatorFile)
	}
	cfg, simulated := DefaultConfig(), simrobot.DefaultConfig()
	set, err := loadRunInto(dir, assignments, cfg, &simulated)
	if err != nil {
		return nil, nil, nil, err
	}
	args, err := rcl.Parse(nil)
	if err != nil {
		return nil, nil, nil, err
	}
	cfg.RunFolder, cfg.Resume = dir, true
	return cfg, &Setup{Args: args, Name: name, Set: set}, &simulated, nil
}

// runName returns the name of the node that a run folder is of.
func runName(dir string) (rcl.NodeName, error) {
	if _, err := record.View(dir); err != nil {
		return rcl.NodeName{}, fmt.Errorf("%w: there is no run to go on with", err)
	}
	file := filepath.Join(dir, record.ParamsFile)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return rcl.NodeName{}, fmt.Errorf("%s holds no %s: the run was cut off before its first trial; give its parameter file too", dir, record.ParamsFile)
	}
	nodes, err := rcl.ReadParamsFile(file)
	if err != nil {
		return rcl.NodeName{}, err
	}
	if len(nodes) != 1 || !path.IsAbs(nodes[0].Key) || strings.Contains(nodes[0].Key, "*") {
		return rcl.NodeName{}, fmt.Errorf("%s: expected the parameters of one node by its full name, such as /%s, as the run wrote them", file, DefaultName)
	}
	return rcl.NodeName{Name: path.Base(nodes[0].Key), Namespace: path.Dir(nodes[0].Key)}, nil
}

// ResumeArguments takes --resume RUN out of the arguments of the node's program, args without the
// program's name, and puts ROS arguments in its place: the name and the parameters of the run in that
// folder, before those that were given, which win. There is nothing to change without --resume.
func ResumeArguments(args []string) ([]string, error) {
	const flag = "--resume"
	for i, arg := range args {
		dir, with := strings.CutPrefix(arg, flag+"=")
		rest := args[i+1:]
		switch {
		case arg == "--ros-args":
			return args, nil // what is after it is for ROS
		case arg == flag && len(rest) > 0:
			dir, rest = rest[0], rest[1:]
		case arg == flag || with && dir == "":
			return nil, fmt.Errorf("%s needs the folder of the run to go on with", flag)
		case !with:
			continue
		}
		name, err := runName(dir)
		if err != nil {
			return nil, err
		}
		var of []string
		for _, assignment := range []string{"run_folder:='" + strings.ReplaceAll(dir, "'", "''") + "'", "resume:=true"} {
			of = append(of, "-p", assignment)
		}
		of = append([]string{"--ros-args", "-r", "__node:=" + name.Name, "-r", "__ns:=" + name.Namespace,
			"--params-file", filepath.Join(dir, record.ParamsFile)}, of...)
		return append(append(append(of, "--"), args[:i]...), rest...), nil
	}
	return args, nil
}

// changesPlant tells whether trials on a simulated robot with one value of a parameter say nothing of
// those with another.
func changesPlant(name string) bool {
	switch name {
	case "use_sim_time", "start_type_description_service", "lock_step", "real_time_factor", "heartbeat", "stamps", "initial_position":
		return false // in one process, or where a trial begins exactly at its position
	}
	return true
}

// checkSimulated returns an error that wraps learner.ErrOtherRun if the run in a folder was on
// another simulated robot. Nothing is wrong where there is no run yet, or its robot was elsewhere.
func checkSimulated(dir string, simulated simrobot.Config) error {
	file := filepath.Join(dir, record.SimulatorFile)
	if _, err := os.Stat(file); dir == "" || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	earlier := simrobot.DefaultConfig()
	old, err := params.ReadRecorded(file, &earlier)
	if err != nil {
		return fmt.Errorf("the run's earlier parameters: %w; mend the file, or choose another run_folder", err)
	}
	now, err := params.Declare(&simulated)
	if err != nil {
		return err
	}
	var refused []string
	for _, name := range now.Names() {
		if was, is := old.Value(name), now.Value(name); changesPlant(name) && !was.Equal(is) {
			refused = append(refused, fmt.Sprintf("%s was %v, is %v", name, was, is))
		}
	}
	if refused != nil {
		return fmt.Errorf("%w: %s says: %s; choose another run_folder, or go on with the old values", learner.ErrOtherRun, file, strings.Join(refused, ", "))
	}
	return nil
}
