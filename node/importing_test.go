package node_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"guidedpolicysearch/node"
	"guidedpolicysearch/node/demonstration"
	"guidedpolicysearch/node/importing"
	"guidedpolicysearch/node/record"
)

// TestImportOwnTrial imports the joint states and commands that a run recorded, by its parameters: the
// rollouts are those that the run recorded itself, state by state and action by action.
func TestImportOwnTrial(t *testing.T) {
	run := filepath.Join(t.TempDir(), "run")
	if _, _, err := train(t, t.Context(), run, "iterations=1", "samples=2"); err != nil {
		t.Fatal(err)
	}
	source, err := record.View(run)
	if err != nil {
		t.Fatal(err)
	}
	c := node.ImportConfig{Config: importing.DefaultConfig(), Out: run}
	c.Topics = demonstration.Topics{JointStates: "/joint_states", Commands: "/effort_controller/commands"}
	for sample := range uint32(2) {
		c.Files = append(c.Files, source.Path(record.TrialPath(1, 0, sample)))
	}
	read := 0
	result, err := node.ImportRollouts(t.Context(), c, func(done int) { read = done })
	if err != nil || len(result.Rollouts) != 2 || read != 2 || len(result.Notes) != 0 {
		t.Fatalf("%+v, %v, %d read", result, err, read)
	}
	for sample, imported := range result.Rollouts {
		want, err := source.ReadRollout(record.TrialPath(1, 0, uint32(sample)))
		if err != nil {
			t.Fatal(err)
		}
		got, err := source.ReadRollout(imported.Path)
		if err != nil {
			t.Fatal(err)
		}
		if got.Iteration != importing.Iteration || got.Steps != want.Steps || got.Dt != want.Dt || !slices.Equal(got.StateNames, want.StateNames) || !slices.Equal(got.JointNames, want.JointNames) {
			t.Errorf("imported %+v", imported)
		}
		compareNumbers(t, "states", got.States, want.States)
		compareNumbers(t, "actions", got.Actions, want.Actions)
	}
	if paths, err := source.Rollouts(1); err != nil || len(paths) != 2 {
		t.Errorf("the run's own trials: %v, %v", paths, err)
	}
	// A run that goes on does not take them for its own.
	if _, _, err := train(t, t.Context(), run, "iterations=2", "samples=2"); err != nil {
		t.Error(err)
	}
}

func compareNumbers(t *testing.T, what string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d %s, want %d", len(got), what, len(want))
	}
	for i, v := range got {
		if math.Abs(v-want[i]) > 1e-9*(1+math.Abs(want[i])) {
			t.Fatalf("%s: number %d is %v, want %v", what, i, v, want[i])
		}
	}
}

// TestImportOwnRun imports all trials of a run at once: each is a rollout, state by state and action by
// action.
func TestImportOwnRun(t *testing.T) {
	dir := t.TempDir()
	run := filepath.Join(dir, "run")
	if _, _, err := train(t, t.Context(), run, "iterations=2", "samples=2"); err != nil {
		t.Fatal(err)
	}
	source, err := record.View(run)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for iteration := uint32(1); iteration <= 2; iteration++ {
		of, err := source.Rollouts(iteration)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, of...)
	}
	c := node.ImportConfig{Config: importing.DefaultConfig(), Out: filepath.Join(dir, "imported"), Files: []string{filepath.Join(run, record.RolloutsDir)}, Params: filepath.Join(run, record.ParamsFile)}
	c.Topics = demonstration.Topics{JointStates: "/joint_states", Commands: "/effort_controller/commands"}
	result, err := node.ImportRollouts(t.Context(), c, func(int) {})
	if err != nil || len(result.Rollouts) != len(paths) || len(paths) < 4 || len(result.Notes) != 1 {
		t.Fatalf("%+v, %v; want %d rollouts", result, err, len(paths))
	}
	imported, err := record.View(c.Out)
	if err != nil {
		t.Fatal(err)
	}
	for i, path := range paths {
		want, err := source.ReadRollout(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := imported.ReadRollout(result.Rollouts[i].Path)
		if err != nil {
			t.Fatal(err)
		}
		compareNumbers(t, "states of "+path, got.States, want.States)
		compareNumbers(t, "actions of "+path, got.Actions, want.Actions)
	}
}

// TestImportRefused writes nothing where something cannot be imported.
func TestImportRefused(t *testing.T) {
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good.csv"), filepath.Join(dir, "bad.csv")
	for path, text := range map[string]string{good: "time,a.position,a.effort\n0,0,1\n0.05,1,1\n0.1,2,1\n", bad: "time,a.position,a.effort\n0,0,1\n0.05,x,1\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(dir, "out")
	c := node.ImportConfig{Config: importing.DefaultConfig(), Out: out, Files: []string{good, bad}}
	if _, err := node.ImportRollouts(t.Context(), c, func(int) {}); err == nil {
		t.Error("a file that is no motion was imported")
	}
	if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something was written: %v", err)
	}
	c.Files = c.Files[:1]
	for want := range uint32(2) {
		result, err := node.ImportRollouts(t.Context(), c, func(int) {})
		if err != nil || len(result.Rollouts) != 1 || result.Rollouts[0].Sample != want {
			t.Fatalf("%+v, %v", result, err)
		}
	}
	other := filepath.Join(dir, "other.csv")
	if err := os.WriteFile(other, []byte("time,b.position,b.effort\n0,0,1\n0.05,1,1\n0.1,2,1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, files := range map[string][]string{"other joints than the run's": {other}, "files of other joints": {good, other}} {
		before, _ := filepath.Glob(filepath.Join(out, "rollouts", "*", "*"))
		mixed := c
		mixed.Files = files
		_, err := node.ImportRollouts(t.Context(), mixed, func(int) {})
		if after, _ := filepath.Glob(filepath.Join(out, "rollouts", "*", "*")); !errors.Is(err, importing.ErrConfig) || len(after) != len(before) {
			t.Errorf("%s: %v; %d recordings, before %d", name, err, len(after), len(before))
		}
	}
	mixed := c
	mixed.Files, mixed.Out = []string{good, other}, filepath.Join(dir, "fresh")
	if _, err := node.ImportRollouts(t.Context(), mixed, func(int) {}); !errors.Is(err, importing.ErrConfig) {
		t.Errorf("files of other joints into a new run: %v", err)
	}
	if _, err := os.Stat(mixed.Out); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder was made: %v", err)
	}
	held, _, err := record.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if _, err := node.ImportRollouts(t.Context(), c, func(int) {}); !errors.Is(err, record.ErrLocked) {
		t.Errorf("a run that is written: %v", err)
	}
	c.Out = dir
	if _, err := node.ImportRollouts(t.Context(), c, func(int) {}); !errors.Is(err, record.ErrNotEmpty) {
		t.Errorf("a folder of something else: %v", err)
	}
}
