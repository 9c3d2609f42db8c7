package node_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guidedpolicysearch/node"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/rcl"
)

const planarArm = "../params/planar_arm.yaml"

// One line, with the nearest of all nodes, for a name that is misspelt; a file without the
// node is no task.
func TestLoadFileNamesNodes(t *testing.T) {
	whole, err := os.ReadFile(planarArm)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, text, want string }{
		{"misspelt optimizer", "trajectory_optimiser:\n  ros__parameters:\n    steps: 5\n", `the nearest is "/trajectory_optimizer"`},
		{"misspelt robot", "sim_robots:\n  ros__parameters:\n    substeps: 5\n", `the nearest is "/sim_robot"`},
		{"misspelt robot in any namespace", "/**/sim_robots:\n  ros__parameters:\n    substeps: 5\n", `the nearest is "/sim_robot"`},
		{"misspelt node beside a task", string(whole) + "\nguided_policy:\n  ros__parameters:\n    steps: 5\n", `the nearest is "/guided_policy_search"`},
		{"empty", "", "no parameters of guided_policy_search"},
		{"a comment", "# nothing\n", "trajectory_optimizer"},
		{"empty robot", "sim_robot: {}\n", "no parameters of guided_policy_search"},
		{"robot alone", "sim_robot:\n  ros__parameters:\n    substeps: 5\n", "no parameters of guided_policy_search"},
	} {
		file := filepath.Join(t.TempDir(), "task.yaml")
		if err := os.WriteFile(file, []byte(c.text), 0o666); err != nil {
			t.Fatal(err)
		}
		_, _, _, err := node.LoadFile(file, []string{"seed=3"})
		if err == nil || strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), file+":") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one line with %s", c.name, err, c.want)
		}
	}
}

// A node in a namespace, or of another name, says its own name where a file means the default,
// and starts, as rcl does.
func TestLoadNamesTheNodeItself(t *testing.T) {
	for key, argument := range map[string]string{"/guided_policy_search": "__ns:=/arm2", "guided_policy_search": "__node:=learner", "/**/guided_policy_search": "__node:=learner"} {
		setup, _, err := loadText(t, key+":\n  ros__parameters:\n    seed: 5\n", "-r", argument)
		if err != nil || len(setup.Warnings) != 1 || !strings.Contains(setup.Warnings[0], `this node is "`+setup.Name.FQN()+`"`) {
			t.Errorf("%s with %s: %+v, %v, want a warning with the name of the node", key, argument, setup, err)
			continue
		}
		// Without its robot it ends, and says why the file did not give it.
		if err := node.CheckGiven(setup); err == nil || !strings.Contains(err.Error(), setup.Warnings[0]) {
			t.Errorf("%s with %s: %v, want %q too", key, argument, err, setup.Warnings[0])
		}
	}
}

// One file may hold the parameters of a whole robot, and of several nodes of ours.
func TestLoadLeavesParametersToOtherNodes(t *testing.T) {
	for _, other := range []string{"camera_driver", "/ns/policy_search", "/arm2/guided_policy_search", "/**/guided_policy_search_left", "sim_robot2", "left_sim_robot", "/**/controller_manager"} {
		setup, cfg, err := loadText(t, other+":\n  ros__parameters:\n    seed: 7\n    fps: 30\n/arm1/guided_policy_search:\n  ros__parameters:\n    seed: 5\n", "-r", "__ns:=/arm1")
		if err != nil || len(setup.Warnings) != 0 || cfg.Seed != 5 {
			t.Errorf("%s beside the node: seed %v, %+v, %v", other, cfg.Seed, setup, err)
		}
	}
}

// loadText loads the node with a parameter file and more arguments.
func loadText(t *testing.T, text string, arguments ...string) (*node.Setup, *node.Config, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "robot.yaml")
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	args, err := rcl.Parse(append([]string{"--ros-args", "--params-file", file}, arguments...))
	if err != nil {
		t.Fatal(err)
	}
	return node.Load(args)
}

// A file of both kinds of task is refused as such, whichever was added.
func TestLoadFileRefusesTwoTasks(t *testing.T) {
	for task, added := range map[string]string{planarArm: node.TrajectoryName, "../params/cart_pole_ilqg.yaml": node.DefaultName} {
		whole, err := os.ReadFile(task)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "both.yaml")
		if err := os.WriteFile(file, append(whole, "\n"+added+":\n  ros__parameters:\n    seed: 3\n"...), 0o666); err != nil {
			t.Fatal(err)
		}
		if known, err := node.IsTrajectoryFile(file); err != nil || !known {
			t.Fatal(known, err)
		}
		_, trajectoryErr := node.LoadTrajectory(file, nil)
		_, _, _, fileErr := node.LoadFile(file, nil)
		for _, err := range []error{trajectoryErr, fileErr} {
			if !errors.Is(err, node.ErrTwoTasks) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "nearest") || !strings.HasPrefix(err.Error(), file+":") {
				t.Errorf("%s added to %s: %v, want one line that says there are two tasks", added, task, err)
			}
		}
	}
	if _, err := node.LoadTrajectory(planarArm, nil); !errors.Is(err, node.ErrRobotFile) {
		t.Errorf("a robot's task as a trajectory: %v", err)
	}
}

// Under a wildcard a parameter need only be one of some node that reads the file; by name,
// and on the command line, it must be the node's own.
func TestWildcardIsForNodesThatHaveTheParameter(t *testing.T) {
	write := func(task, added string) string {
		whole, err := os.ReadFile(task)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "task.yaml")
		if err := os.WriteFile(file, append(whole, "\n"+added+"\n"...), 0o666); err != nil {
			t.Fatal(err)
		}
		return file
	}
	const trajectoryTask = "../params/cart_pole_ilqg.yaml"
	args := func(list ...string) *rcl.Args {
		a, err := rcl.Parse(append([]string{"--ros-args"}, list...))
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	file := write(planarArm, "/**: {ros__parameters: {seed: 7, substeps: 9}}")
	cfg, _, simulated, err := node.LoadFile(file, nil)
	if err != nil || cfg.Seed != 7 || simulated.Substeps != 9 {
		t.Fatalf("%v: seed %d, %d substeps, want 7 and 9", err, cfg.Seed, simulated.Substeps)
	}
	if _, cfg, err := node.Load(args("--params-file", file)); err != nil || cfg.Seed != 7 {
		t.Errorf("the node alone: %v, seed %d", err, cfg.Seed)
	}
	if _, simulated, err := node.LoadSimulator(args("--params-file", file)); err != nil || simulated.Substeps != 9 {
		t.Errorf("the robot alone: %v, %d substeps", err, simulated.Substeps)
	}
	l, err := node.LoadTrajectory(write(trajectoryTask, "/*: {ros__parameters: {seed: 7, substeps: 9}}"), nil)
	if err != nil || l.Config.Seed != 7 || l.Simulated.Substeps != 9 {
		t.Errorf("a trajectory: %v", err)
	}

	file = write(planarArm, "/**: {ros__parameters: {substep: 9, seeed: 7}}")
	for name, load := range map[string]func() error{
		"both":      func() error { _, _, _, err := node.LoadFile(file, nil); return err },
		"the node":  func() error { _, _, err := node.Load(args("--params-file", file)); return err },
		"the robot": func() error { _, _, err := node.LoadSimulator(args("--params-file", file)); return err },
	} {
		err := load()
		if err == nil || strings.Count(err.Error(), "\n") != 1 || !strings.Contains(err.Error(), "the nearest is substeps") || !strings.Contains(err.Error(), "the nearest is seed") {
			t.Errorf("%s: %v, want one line each for substep and seeed", name, err)
		}
	}
	for name, load := range map[string]func() error{
		"by name": func() error {
			_, _, _, err := node.LoadFile(write(planarArm, "/sim_robot: {ros__parameters: {samples: 7}}"), nil)
			return err
		},
		"by name below any namespace": func() error {
			_, _, _, err := node.LoadFile(write(planarArm, "/**/sim_robot: {ros__parameters: {samples: 7}}"), nil)
			return err
		},
		"by name, then under a wildcard": func() error {
			_, _, _, err := node.LoadFile(write(planarArm, "/sim_robot: {ros__parameters: {samples: 7}}\n/**: {ros__parameters: {samples: 8}}"), nil)
			return err
		},
		"-p": func() error { _, _, err := node.LoadSimulator(args("-p", "samples:=7")); return err },
		"of another task": func() error {
			_, err := node.LoadTrajectory(write(trajectoryTask, "/**: {ros__parameters: {samples: 5}}"), nil)
			return err
		},
	} {
		if err := load(); err == nil || !strings.Contains(err.Error(), "no such parameter") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line that says there is no such parameter", name, err)
		}
	}
}

// A mistake on the command line is shown with its argument and its own key.
func TestLoadFileBlames(t *testing.T) {
	withoutEfforts := filepath.Join(t.TempDir(), "bare.csv")
	if err := os.WriteFile(withoutEfforts, []byte("time,joint1.position,joint2.position\n0,0,0\n5,0,0\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	inverse := "initial_controller.demonstration.feed_forward=inverse_dynamics"
	for _, c := range []struct {
		file string
		set  []string
		want []string
	}{
		{demonstrationFile, []string{inverse, "initial_controller.demonstration.model.lengths=[0.5]"},
			[]string{"--set initial_controller.demonstration.model.lengths=[0.5]: initial_controller.demonstration.model.lengths: ", "has 1 entries, initial_controller.demonstration.model.type planar_arm needs 2"}},
		{demonstrationFile, []string{"initial_controller.demonstration.feed_forward=recorded", "initial_controller.demonstration.start_tolerance=9.0", "initial_controller.demonstration.files=['" + withoutEfforts + "']"},
			[]string{"--set initial_controller.demonstration.files", "bare.csv has no columns JOINT.effort", "inverse_dynamics or none"}},
		{planarArm, []string{"initial_controller.type=demonstration"}, []string{"--set initial_controller.type=demonstration: ", "demonstration.files to name a CSV file"}},
	} {
		_, _, _, err := node.LoadFile(c.file, c.set)
		for _, w := range c.want {
			if err == nil || !strings.Contains(err.Error(), w) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v: error %v, want %q", c.set, err, w)
			}
		}
	}
}

// The node's parameters and the simulated robot's must suit each other.
func TestLoadFileSuits(t *testing.T) {
	for _, c := range []struct {
		name string
		set  []string
		want []string // in the error; none if there is to be no error
	}{
		{"as it is", nil, nil},
		{"ten steps per action", []string{"time_step=0.005"}, nil},
		{"three steps of 0.1", []string{"dt=0.3", "time_step=0.1"}, nil},
		{"no whole multiple", []string{"time_step=0.02"}, []string{"planar_arm.yaml:", "dt", "0.05 s", "sim_robot's time_step", "0.02 s"}},
		{"shorter than a step", []string{"dt=0.02"}, []string{"--set dt=0.02", "dt", "0.02 s", "time_step", "0.05 s"}},
		{"just off", []string{"dt=0.05000001"}, []string{"dt", "0.05000001 s", "time_step", "0.05 s"}},
		{"by the clock", []string{"time_step=0.02", "lock_step=false"}, nil},
		{"joints of both", []string{"joints=[a, b]", "robot.joints=[a, b]"}, nil},
		{"other order", []string{"robot.joints=[joint2, joint1]"}, []string{"--set robot.joints", "order", `["joint2" "joint1"]`, `["joint1" "joint2"]`}},
		{"other names", []string{"joints=[a, joint2]"}, []string{"robot.joints", `["joint1" "joint2"]`, `["a" "joint2"]`}},
		{"other names than a description", []string{"joints=[a, joint2]", "robot.urdf=package://guided_policy_search/models/arm7.urdf", "robot.effort_limit=[9.0, 9.0]", "safety.filter=never"},
			[]string{"robot.joints", `["joint1" "joint2"]`, `["a" "joint2"]`, `the description has ["joint1" "joint2" "joint3"`}},
		{"twice the same", []string{"robot.joints=[joint1, joint1]"}, []string{"joint1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, _, err := node.LoadFile(planarArm, c.set)
			if c.want == nil && err != nil {
				t.Fatal(err)
			}
			if c.want == nil {
				return
			}
			if !errors.Is(err, params.ErrInvalid) {
				t.Fatalf("got %v, want ErrInvalid", err)
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q is not in: %v", w, err)
				}
			}
			if n := len(strings.Split(err.Error(), "\n")); n != 1 {
				t.Errorf("%d lines: %v", n, err)
			}
			if _, _, err := node.SplitAssignments(planarArm, c.set); err == nil {
				t.Error("SplitAssignments found nothing wrong")
			}
		})
	}
}

// The formula that the README shows is one that a parameter file can hold as it stands.
func TestReadmeFormula(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(readme), "    cost:\n      expression:\n        text: ")
	text, _, _ = strings.Cut(text, "\n")
	if !found {
		t.Fatal("the README shows no cost.expression.text")
	}
	whole, err := os.ReadFile(planarArm)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "task.yaml")
	task := strings.Replace(string(whole), "    cost:\n", "    cost:\n      expression:\n        text: "+text+"\n", 1)
	if err := os.WriteFile(file, []byte(task), 0o666); err != nil {
		t.Fatal(err)
	}
	if cfg, _, _, err := node.LoadFile(file, nil); err != nil || "'"+cfg.Cost.Expression.Text+"'" != text {
		t.Errorf("%v: %s", err, text)
	}
}
