package node

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/policyfile"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/simrobot"
)

// simulates keeps the simulated robot's parameters in the run folder. They are there before the node's
// are, by which a run is told: loadRun needs both.
func (s *session) simulates(simulated simrobot.Config) error {
	set, err := params.Declare(&simulated)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	b.WriteString("# Parameters of the simulated robot as they were used.\n")
	if err := set.WriteYAML(&b, "/"+SimulatorName); err != nil {
		return err
	}
	return s.keeps(record.SimulatorFile, b.Bytes())
}

// PolicyTask is a policy with the task that it is run at: that of its run folder, or of a parameter
// file.
type PolicyTask struct {
	// Policy is the path of the policy, Folder the run folder that it is in; empty for none.
	Policy, Folder string
	Config         *Config
	Simulated      *simrobot.Config
}

// OpenPolicyTask finds the policy that a path names: a run folder, whose latest one it is, or a
// policy. The task is that of a parameter file, or without one that of the run folder. Assignments
// name=value are as in LoadFile. Whether the policy can be read is not looked at.
func OpenPolicyTask(path, paramsFile string, assignments []string) (*PolicyTask, error) {
	t := new(PolicyTask)
	var err error
	if t.Policy, t.Folder, err = findPolicy(path); err != nil {
		return nil, err
	}
	switch {
	case paramsFile != "":
		t.Config, _, t.Simulated, err = LoadFile(paramsFile, assignments)
	case t.Folder != "":
		t.Config, t.Simulated, err = loadRun(t.Folder, assignments)
	default:
		err = fmt.Errorf("%s is in no run folder: name the task's parameter file (--params)", path)
	}
	return t, err
}

// findPolicy returns the policy that a path names, and the run folder that it is in, "" for none.
func findPolicy(path string) (policy, folder string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", "", err
	}
	if !info.IsDir() {
		return path, runOf(path), nil
	}
	policy = filepath.Join(path, record.PolicyFile)
	if _, err := os.Stat(policy); errors.Is(err, fs.ErrNotExist) {
		return "", "", fmt.Errorf("%s holds no %s: expected the run folder of a run that ended an iteration, or a policy", path, record.PolicyFile)
	}
	return policy, path, nil
}

// runOf returns the run folder that a policy is in, "" for none.
func runOf(path string) string {
	dir := filepath.Dir(path)
	if filepath.Base(dir) == record.PoliciesDir {
		dir = filepath.Dir(dir)
	}
	if _, err := os.Stat(filepath.Join(dir, record.ParamsFile)); err != nil {
		return ""
	}
	return dir
}

// loadRun reads the parameters of both nodes from the run folder of a run in one process.
func loadRun(dir string, assignments []string) (*Config, *simrobot.Config, error) {
	cfg, simulated := DefaultConfig(), simrobot.DefaultConfig()
	if _, err := loadRunInto(dir, assignments, cfg, &simulated); err != nil {
		return nil, nil, err
	}
	return cfg, &simulated, nil
}

// loadRunInto is loadRun into configurations that have their defaults; set is the node's.
func loadRunInto(dir string, assignments []string, cfg *Config, simulated *simrobot.Config) (set *params.Set, err error) {
	forNode, forSim, err := split(assignments, DefaultConfig())
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, record.SimulatorFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s holds no %s: its robot was in another process; name the parameter file of robot and node (--params)", dir, record.SimulatorFile)
	}
	load := func(path string, cfg any, extra []rcl.Override) (*params.Set, error) {
		set, err := params.ReadRecorded(path, cfg)
		if err != nil {
			return nil, err
		}
		return set, set.Apply(extra)
	}
	if _, err := load(path, simulated, forSim); err != nil {
		return nil, err
	}
	if set, err = load(filepath.Join(dir, record.ParamsFile), cfg, forNode); err != nil {
		return nil, err
	}
	return set, suit(cfg, set, simulated, true)
}

// robot makes the task's robot, by the description in the run folder where there is one.
func (t *PolicyTask) robot() (*robot.Robot, error) {
	if t.Folder != "" {
		if _, err := os.Stat(filepath.Join(t.Folder, record.DescriptionFile)); err == nil {
			return recordedRobot(t.Config.Robot, t.Folder)
		}
	}
	r, _, err := newRobot(t.Config.Robot)
	return r, err
}

// layout is what a policy of the robot must be made for.
func layout(cfg *Config, r *robot.Robot) policyfile.Layout {
	return policyfile.Layout{States: r.StateNames(), Actions: r.Joints(), Step: cfg.DT, Steps: cfg.Steps}
}
