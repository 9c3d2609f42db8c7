package node_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"guidedpolicysearch/node"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/record"
)

// short makes runs, maybe in a folder that has one, of 2 iterations of 2 trials of 20 steps.
var short = []string{"console=table", "resume=true", "iterations=2", "samples=2", "steps=20"}

// slow leaves a test whose time goes into numbers to runs without -short: the race detector makes it
// take ten times as long, and tests of the same code beside it have less to compute.
func slow(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a run without -short, as make test does: it computes for long")
	}
}

// train learns the planar arm's task with assignments beyond short and returns what went to
// the terminal too.
func train(t *testing.T, ctx context.Context, folder string, set ...string) (*node.Result, string, error) {
	t.Helper()
	cfg, setup, simulated, err := node.LoadFile(planarArm, append(append([]string{"run_folder=" + quoted(folder)}, short...), set...))
	if err != nil {
		t.Fatal(err)
	}
	var terminal bytes.Buffer
	res, err := node.Train(ctx, cfg, setup, simulated, &terminal)
	return res, terminal.String(), err
}

// quoted makes a path with brackets a string of YAML.
func quoted(path string) string { return "'" + path + "'" }

func costs(r *node.Result) (list [][]float64) {
	for _, report := range r.Reports {
		list = append(list, report.SampleCosts)
	}
	return list
}

// A run that was cut off goes on as if it had not been, in a folder of any name.
func TestTrainGoesOn(t *testing.T) {
	whole, _, err := train(t, t.Context(), filepath.Join(t.TempDir(), "whole"))
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), "a[1]")
	first, out, err := train(t, t.Context(), folder, "iterations=1", "reference.mean_cost=[1.0e9]")
	if err != nil || !first.Learned || !strings.Contains(out, "Learned:") {
		t.Fatalf("%v, %+v: %s", err, first, out)
	}
	trial := filepath.Join(folder, record.TrialPath(1, 0, 0))
	before, err := os.Stat(trial)
	if err != nil {
		t.Fatal(err)
	}
	res, _, err := train(t, t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(costs(res), costs(whole)) {
		t.Errorf("costs %v, want %v", costs(res), costs(whole))
	}
	if after, err := os.Stat(trial); err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("%s was recorded again: %v", trial, err)
	}
}

// A run that is done already says so, once, and keeps its verdict.
func TestTrainAgain(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "run")
	reference := "reference.mean_cost=[1.0e9]"
	first, out, err := train(t, t.Context(), folder, reference)
	if err != nil || strings.Contains(out, "done already") {
		t.Fatalf("%v: %s", err, out)
	}
	again, out, err := train(t, t.Context(), folder, reference)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out, "all 2 iterations of the run in "+folder+" are done already"); n != 1 {
		t.Errorf("said %d times that all is done: %s", n, out)
	}
	if !again.Compared || !again.Learned || !reflect.DeepEqual(costs(again), costs(first)) {
		t.Errorf("%+v, want the same as %+v", again, first)
	}
	if kept, _ := filepath.Glob(filepath.Join(folder, "params.*.yaml")); len(kept) != 0 {
		t.Errorf("kept %v, though no parameter changed", kept)
	}
}

// A run that an error or a signal ended gets no verdict, even with all iterations done.
func TestTrainFailedHasNoVerdict(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "run")
	reference := "reference.mean_cost=[1.0e9]"
	if _, out, err := train(t, t.Context(), folder, reference); err != nil || !strings.Contains(out, "Learned:") {
		t.Fatalf("%v: %s", err, out)
	}
	// The third iteration cannot be recorded: a file is where its folder should be.
	if err := os.WriteFile(filepath.Join(folder, record.RolloutsDir, "iteration_003"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, iterations := range []string{"iterations=2", "iterations=3"} {
		res, out, err := train(t, t.Context(), folder, reference, iterations)
		if err == nil {
			t.Fatalf("%s: no error", iterations)
		}
		if strings.Contains(out, "earned:") || strings.Contains(out, "Done:") || res.Compared || res.Learned {
			t.Errorf("%s: a verdict after %v: %+v: %s", iterations, err, res, out)
		}
		if !strings.Contains(out, "Run folder: "+folder) {
			t.Errorf("%s: no run folder: %s", iterations, out)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	res, out, err := train(t, ctx, filepath.Join(t.TempDir(), "run"), reference)
	if !errors.Is(err, context.Canceled) || res.Compared || strings.Contains(out, "earned:") {
		t.Errorf("%v, %+v: %s", err, res, out)
	}
}

// A cost without a value ends the run with its parameter's name, which is the caller's to
// show.
func TestTrainNamesTheCost(t *testing.T) {
	for _, text := range []string{"log(q0-100)", "sqrt(q0-q0)"} {
		folder := filepath.Join(t.TempDir(), "run")
		_, out, err := train(t, t.Context(), folder, "cost.expression.text="+text)
		if err == nil || !strings.Contains(err.Error(), "cost.expression: ") || strings.Contains(err.Error(), "term ") {
			t.Errorf("%s: error %v, want cost.expression named", text, err)
		}
		if strings.Contains(out, "cost.expression: ") || !strings.Contains(readFile(t, folder, record.LogFile), "cost.expression: ") {
			t.Errorf("%s: want the error in the log, not on the terminal too: %s", text, out)
		}
	}
}

// What makes it another task than the file's leaves its reference out, unless another was
// given with it; what only changes how it is learned does not.
func TestTrainReference(t *testing.T) {
	for _, c := range []struct {
		set  string // assignments
		want bool
	}{
		{"seed=3", true},
		{"algorithm.kl_step=0.5 samples=3 iterations=4 noise.sigma=1.0", true},
		{"cost.convex=true initial_controller.variance=0.2", true},
		{"cost.torque.weight=1.0e-4", false},
		{"plant.gravity=9.81", false},
		{"conditions.initial_position=[2.0, 1.0]", false},
		{"robot.effort_limit=[1.0, 1.0]", false},
		{"steps=50", false},
		{"steps=50 reference.mean_cost=[1.0e9]", true},
	} {
		cfg, setup, _, err := node.LoadFile(planarArm, strings.Split(strings.ReplaceAll(c.set, ", ", ","), " "))
		if err != nil {
			t.Fatalf("%s: %v", c.set, err)
		}
		notes := strings.Join(setup.Warnings, "; ")
		if got := cfg.Reference.MeanCost != nil; got != c.want || strings.Contains(notes, "makes it another task") == c.want {
			t.Errorf("%s: a reference: %v, want %v; %s", c.set, got, c.want, notes)
		}
	}
	args, err := rcl.Parse([]string{"--ros-args", "--params-file", planarArm, "-p", "cost.torque.weight:=1.0e-4"})
	if err != nil {
		t.Fatal(err)
	}
	if setup, cfg, err := node.Load(args); err != nil || cfg.Reference.MeanCost != nil || len(setup.Warnings) != 1 || !strings.Contains(setup.Warnings[0], "-p cost.torque.weight") {
		t.Errorf("gps_node: %v, %v, %q", err, cfg.Reference, setup.Warnings)
	}
	cfg, setup, simulated, err := node.LoadFile(planarArm, append([]string{"run_folder=" + quoted(filepath.Join(t.TempDir(), "run"))}, short...))
	if err != nil {
		t.Fatal(err)
	}
	var terminal bytes.Buffer
	if res, err := node.Train(t.Context(), cfg, setup, simulated, &terminal); err != nil || res.Compared || !strings.Contains(terminal.String(), "makes it another task") {
		t.Errorf("%v, %+v: %s", err, res, terminal.String())
	}
}

// Between two actions of Train there is always a whole number of time steps, whatever
// lock_step says, and a mistake leaves no folder behind.
func TestTrainChecksTimeStep(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "run")
	_, _, err := train(t, t.Context(), folder, "lock_step=false", "time_step=0.02")
	if !errors.Is(err, params.ErrInvalid) || !strings.Contains(err.Error(), "time_step") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Errorf("the run folder is there: %v", err)
	}
}

// What a driver does to readings and commands is the same whenever a run is repeated; without
// velocities there is nothing to learn from.
func TestTrainThroughDriver(t *testing.T) {
	driver := []string{"time_step=0.01", "state_latency=0.02", "command_latency=0.01", "position_noise=[0.0001, 0.0001]", "command_loss=0.1",
		"encoder_resolution=[0.0001, 0.0001]", "reset.position_tolerance=0.02", "reset.velocity_tolerance=0.1"}
	plain, _, err := train(t, t.Context(), filepath.Join(t.TempDir(), "run"), "time_step=0.01")
	if err != nil {
		t.Fatal(err)
	}
	var runs [2]*node.Result
	for i := range runs {
		if runs[i], _, err = train(t, t.Context(), filepath.Join(t.TempDir(), "run"), driver...); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(costs(runs[0]), costs(runs[1])) || reflect.DeepEqual(costs(runs[0]), costs(plain)) {
		t.Errorf("costs %v, repeated %v, without a driver's faults %v", costs(runs[0]), costs(runs[1]), costs(plain))
	}
	if _, _, err := train(t, t.Context(), filepath.Join(t.TempDir(), "run"), "velocity=none"); err == nil || !strings.Contains(err.Error(), "velocit") {
		t.Errorf("without velocities: %v", err)
	}
	// In process all is in lock step, whatever the file says of the robot.
	if _, _, err := train(t, t.Context(), filepath.Join(t.TempDir(), "run"), "lock_step=false", "stamps=system"); err != nil {
		t.Error(err)
	}
	_, _, _, err = node.LoadFile(planarArm, []string{"time_step=0.01", "state_rate=50.0"})
	if err == nil || !strings.Contains(err.Error(), "dt: got 0.05 s, expected a whole multiple of sim_robot's 1/state_rate, 0.02 s") {
		t.Errorf("joint states that do not come at multiples of dt: %v", err)
	}
}
