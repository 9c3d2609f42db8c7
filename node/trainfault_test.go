package node_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"guidedpolicysearch/gps/algorithm"
	"guidedpolicysearch/gps/checkpoint"
	"guidedpolicysearch/node"
	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/record"
)

// brokenTrials returns the recordings of trials that a fault broke off in an iteration.
func brokenTrials(t *testing.T, folder string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(folder, record.RolloutsDir, "iteration_*", "broken_*.mcap"))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// A simulated arm that exceeds its velocity limit is put back, and its trial begins again with other
// noise: nobody has to reset it. The run has the same outcome each time, also where it was stopped
// and went on.
func TestTrainGoesOnAfterFaults(t *testing.T) {
	set := []string{"samples=3", "steps=40", "safety.velocity_limit=[1.5, 1.5]", "safety.recovery=manual"}
	learn := func(folder string, more ...string) *node.Result {
		t.Helper()
		res, out, err := train(t, t.Context(), folder, append(set, more...)...)
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return res
	}
	folder := filepath.Join(t.TempDir(), "run")
	first := learn(folder)
	broken := brokenTrials(t, folder)
	if len(broken) == 0 {
		t.Fatal("no trial was broken off: the test shows nothing")
	}
	view, err := record.View(folder)
	if err != nil {
		t.Fatal(err)
	}
	read := func(path string) (noise uint64, condition, sample int, fault string, steps int) {
		r, err := view.ReadRollout(path)
		if err != nil {
			t.Fatal(err)
		}
		return r.NoiseSeed, int(r.Condition), int(r.Sample), r.Fault, int(r.Steps)
	}
	before := map[uint64]bool{}
	most := 0
	for _, path := range broken {
		path, _ = filepath.Rel(folder, path)
		noise, m, n, fault, steps := read(path)
		if before[noise] {
			t.Errorf("%s has the noise of an earlier attempt", path)
		}
		before[noise] = true
		if fault == "" || steps >= 40 {
			t.Errorf("%s: fault %q, %d steps", path, fault, steps)
		}
		iteration := 1
		if strings.Contains(path, "iteration_002") {
			iteration = 2
		}
		noise, _, _, fault, steps = read(record.TrialPath(uint32(iteration), uint32(m), uint32(n)))
		base := algorithm.NoiseSeed(1, iteration, m, n)
		repeats := 0
		for noise != learner.RepeatedNoise(base, repeats) && repeats < 50 {
			repeats++
		}
		if repeats < 1 || repeats == 50 || fault != "" || steps != 40 {
			t.Errorf("the trial after %s has noise of repetition %d, fault %q, %d steps", path, repeats, fault, steps)
		}
		most = max(most, repeats)
	}
	if again := learn(filepath.Join(t.TempDir(), "again")); !reflect.DeepEqual(costs(first), costs(again)) {
		t.Errorf("costs %v, and again %v", costs(first), costs(again))
	}
	// As many faults as there were end the run if that is all that is allowed.
	_, _, err = train(t, t.Context(), filepath.Join(t.TempDir(), "few"), append(set, fmt.Sprintf("safety.max_faults=%d", most))...)
	if !errors.Is(err, node.ErrGaveUp) {
		t.Errorf("%d faults of as many: %v", most, err)
	}
	// A learner that is started again takes the trials for those of the iteration.
	stopped := filepath.Join(t.TempDir(), "stopped")
	learn(stopped)
	if err := os.RemoveAll(filepath.Join(stopped, record.CheckpointsDir, checkpoint.Name(2))); err != nil {
		t.Fatal(err)
	}
	kept := brokenTrials(t, stopped)
	if res := learn(stopped); len(res.Reports) != 2 || !reflect.DeepEqual(costs(res), costs(first)) {
		t.Errorf("costs %v, want %v", costs(res), costs(first))
	}
	if _, err := os.Stat(filepath.Join(stopped, record.CheckpointsDir, checkpoint.Name(2))); err != nil {
		t.Errorf("the trials that began again were not taken: %v", err)
	}
	for _, path := range kept {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

// An arm that breaks off each trial ends the run, with what is too much.
func TestTrainGivesUpAfterFaults(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "run")
	_, out, err := train(t, t.Context(), folder, "safety.velocity_limit=[0.2, 0.2]", "safety.max_faults=3")
	if !errors.Is(err, node.ErrGaveUp) {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{"velocity", "fault 3 in iteration 1, condition 0, sample 0", "safety.max_faults is 3", "algorithm.kl_step"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	if n := len(brokenTrials(t, folder)); n != 3 {
		t.Errorf("%d recordings of what there was, want 3", n)
	}
}

// A robot whose sensors make no sense does not keep a run waiting without end.
func TestTrainGivesUpOnAFaultThatStays(t *testing.T) {
	cfg, setup, simulated, err := node.LoadFile(planarArm, []string{"run_folder=" + quoted(filepath.Join(t.TempDir(), "run")), "position_noise=[1e308, 1e308]"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := node.Train(t.Context(), cfg, setup, simulated, new(bytes.Buffer)); !errors.Is(err, node.ErrGaveUp) || !strings.Contains(err.Error(), "has not ended in 60 s") {
		t.Errorf("got %v", err)
	}
}
