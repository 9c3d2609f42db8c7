package node_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"guidedpolicysearch/gps/checkpoint"
	"guidedpolicysearch/node"
	"guidedpolicysearch/node/inspection"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/replay"
)

// algorithms are all ways to learn, in runs of few short trials.
var algorithms = map[string][]string{
	"trajopt":       nil,
	"pi2":           {"algorithm.update=pi2"},
	"pilqr":         {"algorithm.update=pilqr"},
	"mdgps":         {"algorithm.type=mdgps"},
	"mdgps pilqr":   {"algorithm.type=mdgps", "algorithm.update=pilqr"},
	"badmm":         {"algorithm.type=badmm"},
	"constrained":   {"algorithm.type=constrained"},
	"lagrangian":    {"algorithm.type=lagrangian"},
	"two starts":    {"conditions.initial_position=[2.3, 1.5, 1.5, 0.0]"},
	"held-out":      {"algorithm.type=mdgps", "policy.train.held_out=0.3"},
	"without prior": {"algorithm.prior.use=false", "samples=12"},
}

// recordedRun makes a run of three iterations and returns its folder.
func recordedRun(t *testing.T, set ...string) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "run")
	if _, _, err := train(t, t.Context(), folder, append([]string{"iterations=3", "samples=3", "policy.hidden=[8]", "policy.train.epochs=3"}, set...)...); err != nil {
		t.Fatal(err)
	}
	return folder
}

// prints returns a checksum of every file below a folder, with its time of change.
func prints(t *testing.T, folder string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		sum := fmt.Sprint(info.ModTime())
		if !e.IsDir() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			sum += fmt.Sprintf(" %x", sha256.Sum256(data))
		}
		all[path] = sum
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func replayRun(t *testing.T, c node.ReplayConfig) *replay.Result {
	t.Helper()
	r, err := node.OpenReplay(c)
	if err != nil {
		t.Fatal(err)
	}
	last := 0
	result, err := r.Run(t.Context(), func(done, total int) {
		if done != last+1 || total < done {
			t.Errorf("progress %d of %d after %d", done, total, last)
		}
		last = done
	})
	if err != nil {
		t.Fatal(err)
	}
	if last != len(result.Iterations) {
		t.Errorf("progress ended at %d of %d", last, len(result.Iterations))
	}
	return result
}

// Without a change every update comes out byte for byte, by itself and in a chain, whatever the
// algorithm, and the run's folder stays as it is.
func TestReplayIsTheRun(t *testing.T) {
	slow(t)
	for name, set := range algorithms {
		t.Run(name, func(t *testing.T) {
			run := recordedRun(t, set...)
			before := prints(t, run)
			for _, all := range []bool{false, true} {
				r := replayRun(t, node.ReplayConfig{Run: run, All: all})
				if r.Identical != 3 || len(r.Iterations) != 3 || r.OffPolicy || !strings.Contains(r.Verdict, "byte for byte") {
					t.Errorf("chain %t: %d of %d identical, off-policy %t: %s", all, r.Identical, len(r.Iterations), r.OffPolicy, r.Verdict)
				}
				for _, it := range r.Iterations {
					d, modelFree := it.Distance, name == "pi2"
					if d == nil || d.MeanAction != 0 || *d.MaxGain != 0 || d.KL == nil || *d.KL != 0 {
						t.Errorf("iteration %d: distance %+v of what is the same", it.Iteration, d)
					}
					was, is := it.Recorded.PredictedImprovement, it.Replayed.PredictedImprovement
					if *it.Recorded.KL != *it.Replayed.KL || *it.Recorded.MeanCost != *it.Replayed.MeanCost || (was == nil) != modelFree || !reflect.DeepEqual(was, is) {
						t.Errorf("iteration %d: recorded %+v, replayed %+v", it.Iteration, it.Recorded, it.Replayed)
					}
				}
			}
			after := prints(t, run)
			if fmt.Sprint(after) != fmt.Sprint(before) {
				t.Error("the replay wrote to the run's folder")
			}
		})
	}
}

// A run whose conditions grew on its way is replayed with those that each update knew.
func TestReplayWithAddedConditions(t *testing.T) {
	slow(t)
	for _, algorithm := range []string{"trajopt", "mdgps"} {
		run := recordedRun(t, "algorithm.type="+algorithm)
		if _, err := goOn(t, run, "iterations=5", "conditions.initial_position=[2.356194490192345, 1.5707963267948966, 1.5707963267948966, 0.0]"); err != nil {
			t.Fatal(err)
		}
		for _, all := range []bool{false, true} {
			if r := replayRun(t, node.ReplayConfig{Run: run, All: all}); r.Identical != 5 || len(r.Iterations) != 5 {
				t.Errorf("%s, chain %t: %d of %d identical: %s", algorithm, all, r.Identical, len(r.Iterations), r.Verdict)
			}
		}
	}
}

func TestReplayWithChanges(t *testing.T) {
	run := recordedRun(t)
	alone := replayRun(t, node.ReplayConfig{Run: run, Set: []string{"algorithm.kl_step=0.01"}})
	if alone.Identical != 0 || alone.OffPolicy || len(alone.Changed) != 1 {
		t.Errorf("%+v", alone)
	}
	for _, it := range alone.Iterations {
		was, is := it.Recorded, it.Replayed
		// A trust region a hundredth as large, and no more, lets the controller go less far and gain less.
		if !(*is.KL < *was.KL) || !(*is.PredictedImprovement < *was.PredictedImprovement) || *is.MeanCost != *was.MeanCost {
			t.Errorf("iteration %d: recorded %+v, replayed %+v", it.Iteration, was, is)
		}
		if d := it.Distance; !(d.MeanAction > 0) || !(d.MaxAction >= d.MeanAction) || !(*d.MaxGain > 0) || !(*d.KL > 0) {
			t.Errorf("iteration %d: %+v", it.Iteration, d)
		}
	}
	one := replayRun(t, node.ReplayConfig{Run: run, Iteration: 2, Set: []string{"algorithm.kl_step=0.01"}})
	if len(one.Iterations) != 1 || *one.Iterations[0].Replayed.KL != *alone.Iterations[1].Replayed.KL {
		t.Errorf("iteration 2 alone: %+v", one.Iterations)
	}
	chain := replayRun(t, node.ReplayConfig{Run: run, All: true, Set: []string{"algorithm.kl_step=0.01"}})
	if !chain.OffPolicy || chain.Iterations[0].OffPolicy || !chain.Iterations[1].OffPolicy || !strings.Contains(chain.Verdict, "From iteration 2 on the rollouts were drawn by the recorded controllers") {
		t.Errorf("a chain is off-policy from iteration 2 on: %+v", chain)
	}
	if *chain.Iterations[0].Replayed.KL != *alone.Iterations[0].Replayed.KL || *chain.Iterations[2].Replayed.KL == *alone.Iterations[2].Replayed.KL {
		t.Error("the first update of a chain is one by itself, later ones are not")
	}
	cost := replayRun(t, node.ReplayConfig{Run: run, Iteration: 1, Set: []string{"cost.joint_position.weight=2.0", "cost.torque.weight=2.0e-5"}})
	if was, is := *cost.Iterations[0].Recorded.MeanCost, *cost.Iterations[0].Replayed.MeanCost; !(is > 1.9999*was && is < 2.0001*was) {
		t.Errorf("twice the cost of the same trials is %v, was %v", is, was)
	}
	// Another algorithm learns from the same trials.
	other := replayRun(t, node.ReplayConfig{Run: run, All: true, Set: []string{"algorithm.type=mdgps"}})
	if other.Iterations[2].Replayed.PolicyLoss == nil || other.Iterations[2].Recorded.PolicyLoss != nil {
		t.Errorf("%+v", other.Iterations[2])
	}
}

// A chain that is kept is a run that goes on.
func TestReplayIsKept(t *testing.T) {
	run := recordedRun(t, "algorithm.type=mdgps")
	out := filepath.Join(t.TempDir(), "kept")
	result := replayRun(t, node.ReplayConfig{Run: run, All: true, Out: out, Set: []string{"algorithm.kl_step=0.5"}})
	if result.Out != out {
		t.Errorf("kept as %q", result.Out)
	}
	again := replayRun(t, node.ReplayConfig{Run: out, All: true})
	if again.Identical != 3 {
		t.Errorf("the run that was kept does not come out again: %s", again.Verdict)
	}
	if c, _, err := checkpoint.Latest(filepath.Join(out, record.CheckpointsDir)); err != nil || c.State.Iteration != 3 {
		t.Errorf("latest checkpoint: %v", err)
	}
	if _, err := node.OpenPolicyTask(out, "", nil); err != nil {
		t.Errorf("its policy: %v", err)
	}
	if _, err := os.Stat(filepath.Join(out, record.TrialPath(3, 0, 2))); err != nil {
		t.Error(err)
	}
	if described, err := inspection.Open(out); err != nil || len(described.Damaged) > 0 || described.Run.Planned != 3 || described.Run.Iterations != 3 || described.Run.Trials != 9 {
		t.Errorf("the run that was kept: %v, %+v", err, described.Run)
	}
	if bag, err := inspection.Open(filepath.Join(out, record.RolloutsDir)); err != nil || bag.Bag.Files != 9 || len(bag.Damaged) > 0 {
		t.Errorf("its bag: %v", err)
	}
	if _, err := os.Lstat(filepath.Join(out, record.SimulatorFile)); err != nil {
		t.Error(err)
	}
	if info, err := os.Lstat(filepath.Join(out, record.TrialPath(1, 0, 0))); err != nil || !info.Mode().IsRegular() {
		t.Errorf("a rollout of it is no file of its own: %v", err)
	}
	r, err := node.OpenReplay(node.ReplayConfig{Run: run, All: true, Out: out})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Run(t.Context(), func(int, int) {}); !errors.Is(err, record.ErrNotEmpty) {
		t.Errorf("a run in the way: %v", err)
	}
}

func TestReplayRefuses(t *testing.T) {
	run := recordedRun(t)
	for _, c := range []struct {
		name string
		node.ReplayConfig
		is   error
		says string
	}{
		{"no run", node.ReplayConfig{Run: t.TempDir()}, record.ErrNotRun, "rollouts"},
		{"trials", node.ReplayConfig{Run: run, Set: []string{"samples=4"}}, node.ErrReplay, "it defines the trials"},
		{"noise", node.ReplayConfig{Run: run, Set: []string{"noise.sigma=1.0"}}, node.ErrReplay, "it defines the trials"},
		{"first controllers", node.ReplayConfig{Run: run, Set: []string{"initial_controller.variance=1.0"}}, node.ErrReplay, "it defines the trials"},
		{"of running", node.ReplayConfig{Run: run, Set: []string{"policy.start=here"}}, node.ErrReplay, "nothing is learned with it"},
		{"no part", node.ReplayConfig{Run: run, Set: []string{"console=table", "runs_folder=x"}}, node.ErrReplay, "runs_folder: it has no part"},
		{"form of the policy", node.ReplayConfig{Run: run, Set: []string{"policy.hidden=[3]"}}, node.ErrReplay, "--all"},
		{"unknown", node.ReplayConfig{Run: run, Set: []string{"algorithm.klstep=1.0"}}, params.ErrInvalid, "algorithm.kl_step"},
		{"out of range", node.ReplayConfig{Run: run, Set: []string{"algorithm.kl_step=-1.0"}}, params.ErrInvalid, "(0, inf)"},
		{"both", node.ReplayConfig{Run: run, All: true, Iteration: 1}, node.ErrReplay, "--iteration"},
		{"kept without a chain", node.ReplayConfig{Run: run, Out: "x"}, node.ErrReplay, "--all"},
		{"iteration", node.ReplayConfig{Run: run, Iteration: -1}, node.ErrReplay, "-1"},
	} {
		if _, err := node.OpenReplay(c.ReplayConfig); !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %v that says %q", c.name, err, c.is, c.says)
		}
	}
	// However few iterations the run was told to make at last, those that it made are replayed.
	path := filepath.Join(run, record.ParamsFile)
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, []byte(strings.Replace(string(text), "\n    iterations: 3\n", "\n    iterations: 1\n", 1)), 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	// The same value is no change.
	if r := replayRun(t, node.ReplayConfig{Run: run, Set: []string{"samples=3", "console=table"}}); r.Identical != 3 {
		t.Errorf("%s", r.Verdict)
	}
}

// Runs that are not whole are said to be so.
func TestReplayOfDamage(t *testing.T) {
	slow(t)
	for name, c := range map[string]struct {
		harm func(run string) error
		iteration
		is error
	}{
		"flipped bit of a checkpoint": {func(run string) error { return flip(filepath.Join(run, record.CheckpointsDir, checkpoint.Name(2))) }, 3, checkpoint.ErrDamaged},
		"flipped bit of a rollout":    {func(run string) error { return flip(filepath.Join(run, record.TrialPath(2, 0, 1))) }, 2, record.ErrDamaged},
		"rollout is missing":          {func(run string) error { return os.Remove(filepath.Join(run, record.TrialPath(2, 0, 1))) }, 2, replay.ErrIncomplete},
		"no checkpoints":              {func(run string) error { return os.RemoveAll(filepath.Join(run, record.CheckpointsDir)) }, 0, replay.ErrNothing},
		"no such iteration":           {func(string) error { return nil }, 4, replay.ErrNothing},
	} {
		run := recordedRun(t)
		if err := c.harm(run); err != nil {
			t.Fatal(err)
		}
		r, err := node.OpenReplay(node.ReplayConfig{Run: run, Iteration: int(c.iteration)})
		if err == nil {
			_, err = r.Run(t.Context(), func(int, int) {})
		}
		if !errors.Is(err, c.is) {
			t.Errorf("%s: %v, want %v", name, err, c.is)
		}
	}
	run := recordedRun(t)
	r, err := node.OpenReplay(node.ReplayConfig{Run: run})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	result, err := r.Run(ctx, func(done, _ int) { cancel() })
	if !errors.Is(err, context.Canceled) || len(result.Iterations) != 1 {
		t.Errorf("interrupted: %v", err)
	}
}

type iteration int

// flip changes a bit in the middle of a file.
func flip(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	data[len(data)/2] ^= 1
	return os.WriteFile(path, data, 0o644)
}

// A run whose parameters were set on its way comes out under those of each iteration.
func TestReplayOfParametersSetOnTheWay(t *testing.T) {
	run := recordedRun(t)
	if _, _, err := train(t, t.Context(), run, "iterations=4", "samples=3", "policy.hidden=[8]", "policy.train.epochs=3", "algorithm.kl_step=0.1"); err != nil {
		t.Fatal(err)
	}
	r := replayRun(t, node.ReplayConfig{Run: run})
	if r.Identical != 4 || len(r.Iterations) != 4 {
		t.Errorf("%d of %d identical: %s", r.Identical, len(r.Iterations), r.Verdict)
	}
	chain := replayRun(t, node.ReplayConfig{Run: run, All: true})
	if chain.Identical != 0 || !strings.Contains(chain.Verdict, "set on its way") {
		t.Errorf("%s", chain.Verdict)
	}
}
