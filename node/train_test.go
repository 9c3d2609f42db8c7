package node_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"guidedpolicysearch/node"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/record"
)

// short makes runs of 2 iterations of 2 trials of 20 steps.
var short = []string{"console=table", "iterations=2", "samples=2", "steps=20"}

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
	// The arm is brought to the initial position from another place after the cut, and is
	// within reset's tolerances of it.
	for i, list := range costs(whole) {
		for n, want := range list {
			if got := costs(res)[i][n]; i == 0 && got != want || math.Abs(got-want) > 0.01*want {
				t.Errorf("iteration %d, sample %d: cost %v, want %v", i+1, n, got, want)
			}
		}
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
