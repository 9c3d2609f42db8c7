package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/replay"
)

// ErrReplay marks a replay that makes no sense: parameters that define the trials, or options that
// exclude each other.
var ErrReplay = errors.New("cannot be replayed")

// ReplayConfig says what `gps replay` does.
type ReplayConfig struct {
	// Run is the folder of the recorded run.
	Run string
	// Iteration is replayed alone, from 1; 0 for all of them.
	Iteration int
	// All makes a chain: each update goes on from the replayed one before.
	All bool
	// Set are other parameters, name=value.
	Set []string
	// Out is the folder of a new run that keeps the chain; "" for none.
	Out string
}

// Replayer is a replay that is ready to begin.
type Replayer struct {
	options replay.Options
	out     string
	params  []byte
	robot   []byte // its description, nil for none
}

// OpenReplay reads what the run was. Errors wrap ErrReplay, params.ErrInvalid, record.ErrNotRun or
// learner.ErrOtherRun, or are those of the file system.
func OpenReplay(c ReplayConfig) (*Replayer, error) {
	switch {
	case c.Iteration < 0:
		return nil, fmt.Errorf("%w: --iteration is %d, iterations count from 1", ErrReplay, c.Iteration)
	case c.All && c.Iteration != 0:
		return nil, fmt.Errorf("%w: give --iteration for one update, or --all for the whole run as a chain", ErrReplay)
	case c.Out != "" && !c.All:
		return nil, fmt.Errorf("%w: --out keeps a whole run: give --all too", ErrReplay)
	}
	folder, err := record.View(c.Run)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(folder.Path(record.ParamsFile)); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s has no %s", record.ErrNotRun, c.Run, record.ParamsFile)
	}
	r := &Replayer{out: c.Out, options: replay.Options{Source: folder, Iteration: c.Iteration, Chain: c.All}}
	cfg, set, err := replayed(folder, record.ParamsFile, nil)
	if err != nil {
		return nil, err
	}
	was := map[string]rcl.Value{}
	for _, name := range set.Names() {
		was[name] = set.Value(name)
	}
	if len(c.Set) > 0 {
		if cfg, set, err = replayed(folder, record.ParamsFile, c.Set); err != nil {
			return nil, err
		}
	}
	for _, name := range set.Names() {
		if set.Value(name).Equal(was[name]) {
			continue
		}
		if reason := notReplayed(name, c); reason != "" {
			return nil, fmt.Errorf("%w: %s: %s", ErrReplay, name, reason)
		}
		r.options.Changed = append(r.options.Changed, name+"="+set.Value(name).String())
	}
	if r.options.Robot, _, err = replayProblem(cfg, folder); err != nil {
		return nil, err
	}
	r.options.Task = replayTask(cfg, folder)
	if len(r.options.Changed) == 0 {
		r.options.Earlier = earlierTasks(folder)
	}
	var text bytes.Buffer
	text.WriteString("# Parameters of a replay of " + folder.Dir() + ".\n")
	if err := set.WriteYAML(&text, "/"+DefaultName); err != nil {
		return nil, err
	}
	r.params = text.Bytes()
	if r.robot, err = os.ReadFile(folder.Path(record.DescriptionFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return r, nil
}

// replayed reads a parameter file of a run, with assignments.
func replayed(folder *record.Folder, name string, assignments []string) (*Config, *params.Set, error) {
	cfg := DefaultConfig()
	set, err := params.ReadRecorded(folder.Path(name), cfg)
	if err != nil {
		return nil, nil, err
	}
	var extra []rcl.Override
	for _, text := range assignments {
		o, err := params.ParseAssignment(text)
		if err != nil {
			return nil, nil, err
		}
		extra = append(extra, o)
	}
	return cfg, set, set.Apply(extra)
}

func replayProblem(cfg *Config, folder *record.Folder) (*robot.Robot, *learner.Problem, error) {
	r, err := recordedRobot(cfg.Robot, folder.Dir())
	if err != nil {
		return nil, nil, err
	}
	entries, err := os.ReadDir(folder.Path(record.CheckpointsDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	// However many iterations it was told to make: what is recorded is replayed.
	learning := cfg.Learning
	learning.Iterations = max(learning.Iterations, len(entries))
	p, err := learner.NewProblem(learning, r)
	return r, p, err
}

// replayTask returns the task of a run for any number of its first conditions.
func replayTask(cfg *Config, folder *record.Folder) replay.Task {
	known := map[int]*learner.Problem{}
	return func(conditions int) (*learner.Problem, error) {
		if p := known[conditions]; p != nil {
			return p, nil
		}
		first := *cfg
		c, joints := &first.Learning.Conditions, len(cfg.Robot.Joints)
		given := len(c.Position) / joints
		if total := given + c.Random.Count; conditions < 1 || conditions > total {
			return nil, fmt.Errorf("the parameters have %d conditions, %d are recorded", total, conditions)
		}
		// Conditions are added behind those that there are, whose drawn ones come last.
		c.Position = c.Position[:min(given, conditions)*joints]
		c.Random.Count = max(0, conditions-given)
		_, p, err := replayProblem(&first, folder)
		if err == nil {
			known[conditions] = p
		}
		return p, err
	}
}

// earlierTasks returns the tasks under the parameters that a run had before they were set on its
// way, the latest first. What cannot be read any more is left out: it is a second try.
func earlierTasks(folder *record.Folder) (list []replay.Task) {
	names, err := filepath.Glob(filepath.Join(escapeGlob(folder.Dir()), "params.*.yaml"))
	if err != nil {
		return nil
	}
	for i := len(names) - 1; i >= 0; i-- {
		cfg, _, err := replayed(folder, filepath.Base(names[i]), nil)
		if err != nil {
			continue
		}
		list = append(list, replayTask(cfg, folder))
	}
	return list
}

// escapeGlob makes a path match only itself.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// notReplayed says why a parameter cannot have another value in a replay, "" if it can.
func notReplayed(name string, c ReplayConfig) string {
	switch name {
	case "policy.file", "policy.start", "policy.endless":
		return "nothing is learned with it"
	case "algorithm.type", "policy.hidden", "policy.activation", "policy.observation",
		"policy.badmm.weight", "policy.constrained.weight", "policy.lagrangian.penalty":
		if c.All || c.Iteration == 1 {
			return ""
		}
		return "the recorded checkpoints are of its old value: replay the whole run from its first update, with --all"
	}
	for _, group := range []string{"algorithm.", "policy.", "cost.", "success."} {
		if strings.HasPrefix(name, group) {
			return ""
		}
	}
	if definesProblem(name) {
		return "it defines the trials, which are recorded: it takes a new run"
	}
	return "it has no part in an update, only algorithm.*, policy.*, cost.* and success.* have"
}

// Run replays; see replay.Run. Errors of the new run's folder are those of record.Create.
func (r *Replayer) Run(ctx context.Context, progress func(done, total int)) (*replay.Result, error) {
	if r.out == "" {
		return replay.Run(ctx, r.options, progress)
	}
	run, err := record.Create(r.out)
	if err != nil {
		return nil, err
	}
	r.options.Out = run
	err = run.WriteFile(record.ParamsFile, r.params)
	if err == nil && r.robot != nil {
		err = run.WriteFile(record.DescriptionFile, r.robot)
	}
	if simulator, readErr := os.ReadFile(r.options.Source.Path(record.SimulatorFile)); err == nil && readErr == nil {
		err = run.WriteFile(record.SimulatorFile, simulator)
	}
	var result *replay.Result
	if err == nil {
		result, err = replay.Run(ctx, r.options, progress)
	}
	if err := errors.Join(err, run.Close()); err != nil {
		if result == nil || len(result.Iterations) == 0 { // the folder, which was empty, has copies alone
			err = errors.Join(err, os.RemoveAll(r.out))
		}
		return result, err
	}
	// The rollouts were copied behind its back: opened again it makes them a bag.
	if run, _, err = record.Open(r.out); err != nil {
		return result, err
	}
	return result, run.Close()
}
