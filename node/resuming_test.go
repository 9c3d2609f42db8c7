package node_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"guidedpolicysearch/gps/checkpoint"
	"guidedpolicysearch/node"
	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/record"
)

// goOn goes on with the run in a folder by its own parameters.
func goOn(t *testing.T, folder string, set ...string) (*node.Result, error) {
	t.Helper()
	cfg, setup, simulated, err := node.LoadRun(folder, set)
	if err != nil {
		return nil, err
	}
	return node.Train(t.Context(), cfg, setup, simulated, new(bytes.Buffer))
}

// checkpoints returns the bytes of a run's checkpoints, by name.
func checkpoints(t *testing.T, folder string) map[string]string {
	t.Helper()
	all := map[string]string{}
	paths, err := filepath.Glob(filepath.Join(strings.NewReplacer("[", `\[`).Replace(folder), record.CheckpointsDir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		all[filepath.Base(path)] = read(t, path)
	}
	return all
}

// A folder that holds a run is left as it is, unless the run is to go on.
func TestRunThere(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "run")
	if _, _, err := train(t, t.Context(), folder, "iterations=1"); err != nil {
		t.Fatal(err)
	}
	before := contents(t, folder)
	_, _, err := train(t, t.Context(), folder, "resume=false")
	if !errors.Is(err, node.ErrRunThere) || !strings.Contains(err.Error(), folder) || !strings.Contains(err.Error(), "--resume "+folder) || !strings.Contains(err.Error(), "choose another run_folder") {
		t.Errorf("got %v", err)
	}
	if !reflect.DeepEqual(contents(t, folder), before) {
		t.Error("the folder changed")
	}
}

// A run goes on by what is in its folder alone, to the bits of one that was not cut off.
func TestLoadRun(t *testing.T) {
	whole, folder := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "a b[1]'s")
	want, _, err := train(t, t.Context(), whole, "iterations=3")
	if err != nil {
		t.Fatal(err)
	}
	cfg, setup, simulated, err := node.LoadFile(planarArm, append([]string{"iterations=1"}, slices.DeleteFunc(slices.Clone(short), func(s string) bool { return strings.HasPrefix(s, "iterations") })...))
	if err != nil {
		t.Fatal(err)
	}
	cfg.RunFolder = folder
	if _, err := node.Train(t.Context(), cfg, setup, simulated, new(bytes.Buffer)); err != nil {
		t.Fatal(err)
	}
	// How fast the simulation runs elsewhere does not matter here.
	got, err := goOn(t, folder, "iterations=3", "heartbeat=0.5", "real_time_factor=2.0")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(costs(got), costs(want)) || !reflect.DeepEqual(checkpoints(t, folder), checkpoints(t, whole)) {
		t.Errorf("costs %v, want %v, or other checkpoints", costs(got), costs(want))
	}
	before := contents(t, folder)
	for _, c := range []struct{ set, want string }{
		{"plant.gravity=9.81", "plant.gravity was 0.0, is 9.81"},
		{"plant.masses=[1.0, 2.0]", "plant.masses was [1.0, 1.0], is [1.0, 2.0]"},
		{"position_noise=[0.1, 0.1]", "position_noise was [], is [0.1, 0.1]"},
		{"seed=9", "was 1, is 9"},
		{"steps=21", "steps was 20, is 21"},
	} {
		if _, err := goOn(t, folder, c.set, "iterations=4"); !errors.Is(err, learner.ErrOtherRun) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.set, err, c.want)
		}
		if !reflect.DeepEqual(contents(t, folder), before) {
			t.Fatalf("%s: the folder changed", c.set)
		}
	}
}

func TestLoadRunRefuses(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "run")
	if _, err := goOn(t, folder); !errors.Is(err, record.ErrNotRun) {
		t.Errorf("no folder: %v", err)
	}
	if _, _, err := train(t, t.Context(), folder, "iterations=1"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ file, want string }{
		{record.SimulatorFile, "its robot was in another process (gps_node --resume " + folder + ")"},
		{record.ParamsFile, "cut off before its first trial"},
	} {
		if err := os.Remove(filepath.Join(folder, c.file)); err != nil {
			t.Fatal(err)
		}
		if _, err := goOn(t, folder); err == nil || !strings.Contains(err.Error(), folder) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("without %s: got %v, want %q", c.file, err, c.want)
		}
	}
}

// A folder with the node's parameters has those of the robot too, however soon the run was cut off: so it
// can be gone on with by its folder alone. Here the run ends as it reads the robot's description.
func TestSimulatorBeforeParameters(t *testing.T) {
	folder, urdf := filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "arm.urdf")
	write := func(text string) {
		if err := os.WriteFile(urdf, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	const limits = `<axis xyz="0 0 1"/><limit effort="300" velocity="100"/></joint>`
	const arm = `<robot name="arm"><link name="base"/><link name="upper"/><link name="lower"/>` +
		`<joint name="joint1" type="continuous"><parent link="base"/><child link="upper"/>` + limits +
		`<joint name="joint2" type="continuous"><parent link="upper"/><child link="lower"/>` + limits + `</robot>`
	write(arm)
	cfg, setup, simulated, err := node.LoadFile(planarArm, append([]string{"run_folder=" + quoted(folder), "robot.urdf=" + quoted(urdf)}, short...))
	if err != nil {
		t.Fatal(err)
	}
	write("no XML")
	if _, err := node.Train(t.Context(), cfg, setup, simulated, new(bytes.Buffer)); err == nil || !strings.Contains(err.Error(), "robot.urdf") {
		t.Fatalf("got %v", err)
	}
	write(arm)
	read(t, filepath.Join(folder, record.ParamsFile))
	if _, err := goOn(t, folder, "iterations=1"); err != nil {
		t.Error(err)
	}
}

func TestResumeArguments(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "run 1")
	if _, _, err := train(t, t.Context(), folder, "iterations=1"); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{nil, {"--help"}, {"--ros-args", "-p", "seed:=1"}, {"--ros-args", "--", "--resume"}} {
		if got, err := node.ResumeArguments(args); err != nil || !slices.Equal(got, args) {
			t.Errorf("%q: %q, %v", args, got, err)
		}
	}
	for _, c := range []struct {
		args       []string
		iterations int
	}{
		{[]string{"--resume", folder}, 2},
		{[]string{"--resume=" + folder, "--ros-args", "-p", "iterations:=7"}, 7},
	} {
		args, err := node.ResumeArguments(c.args)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := rcl.Parse(args)
		if err != nil {
			t.Fatalf("%q: %v", args, err)
		}
		if err := node.CheckArguments(parsed); err != nil {
			t.Errorf("%q: %v", args, err)
		}
		setup, cfg, err := node.Load(parsed)
		if err != nil || node.CheckGiven(setup) != nil {
			t.Fatalf("%q: %v", args, err)
		}
		if cfg.RunFolder != folder || !cfg.Resume || cfg.Iterations != c.iterations && len(c.args) > 2 || cfg.Samples != 2 || setup.Name.FQN() != "/"+node.DefaultName {
			t.Errorf("%q: folder %q, resume %v, %d iterations, name %v", args, cfg.RunFolder, cfg.Resume, cfg.Iterations, setup.Name)
		}
	}
	for _, args := range [][]string{{"--resume"}, {"--resume="}, {"--resume", t.TempDir()}} {
		if _, err := node.ResumeArguments(args); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}

// What is in the folder of the checkpoints and is not of this run, or not whole, is set aside with a
// word, and the run ends with the bits that it would have had.
func TestCheckpointsAside(t *testing.T) {
	slow(t)
	whole, other := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "other")
	want, _, err := train(t, t.Context(), whole, "iterations=4")
	if err != nil {
		t.Fatal(err)
	}
	// The same problem with other steps: only the costs of its trials tell it from this run.
	if _, _, err := train(t, t.Context(), other, "iterations=4", "algorithm.kl_step=0.5"); err != nil {
		t.Fatal(err)
	}
	file := func(folder string, iteration int) []byte {
		return []byte(read(t, folder, record.CheckpointsDir, checkpoint.Name(iteration)))
	}
	half := file(whole, 2)[:5000]
	flipped := file(whole, 2)
	flipped[len(flipped)/2] ^= 1
	for _, c := range []struct {
		what, name string
		content    []byte
		said       string
	}{
		{"half-written", checkpoint.Name(3) + ".123.tmp", half, "it was being written"},
		{"cut off", checkpoint.Name(2), half, "damaged file"},
		{"a flipped bit", checkpoint.Name(2), flipped, "damaged file"},
		{"another run's", checkpoint.Name(2), file(other, 2), "of another run: its trials of condition 0 cost"},
		{"another run's, later", checkpoint.Name(4), file(other, 4), "of another run: no trials of iteration 4"},
		{"another iteration's", checkpoint.Name(2), file(whole, 1), "it holds the state after iteration 1"},
		{"not reported", checkpoint.Name(3), file(other, 3), "was not reported yet"},
	} {
		t.Run(c.what, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "run")
			if _, _, err := train(t, t.Context(), folder); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, record.CheckpointsDir, c.name), c.content, 0o644); err != nil {
				t.Fatal(err)
			}
			got, err := goOn(t, folder, "iterations=4")
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(costs(got), costs(want)) || !reflect.DeepEqual(checkpoints(t, folder), checkpoints(t, whole)) {
				t.Errorf("costs %v, want %v, or other checkpoints", costs(got), costs(want))
			}
			if aside := read(t, folder, record.SetAsideDir, record.CheckpointsDir, c.name); aside != string(c.content) {
				t.Errorf("%d bytes are set aside, want %d", len(aside), len(c.content))
			}
			if log := read(t, folder, record.LogFile); !strings.Contains(log, c.said) || !strings.Contains(log, c.name+" is set aside") {
				t.Errorf("the log does not say %q:\n%s", c.said, log)
			}
		})
	}
}

// A run of a newer program is left alone, with the reason.
func TestCheckpointOfNewerProgram(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "run")
	if _, _, err := train(t, t.Context(), folder); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, record.CheckpointsDir, checkpoint.Name(2))
	newer := strings.Replace(read(t, path), fmt.Sprintf("GPSCHECKPOINT %d ", checkpoint.Version), fmt.Sprintf("GPSCHECKPOINT %d ", checkpoint.Version+1), 1)
	if err := os.WriteFile(path, []byte(newer), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := goOn(t, folder, "iterations=3")
	if !errors.Is(err, checkpoint.ErrVersion) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "move the file away") {
		t.Errorf("got %v", err)
	}
	if read(t, path) != newer {
		t.Error("the checkpoint changed")
	}
}

// The clock may have been set back since a run was cut off: what is there has times to come, and
// stays as it is.
func TestClockSetBack(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "run")
	if _, _, err := train(t, t.Context(), folder); err != nil {
		t.Fatal(err)
	}
	kept := map[string]string{}
	soon := time.Now().Add(time.Hour)
	err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if strings.HasSuffix(path, ".mcap") || strings.HasSuffix(path, ".gps") && filepath.Base(path) != record.PolicyFile {
			kept[path] = read(t, path)
		}
		return os.Chtimes(path, soon, soon)
	})
	if err != nil {
		t.Fatal(err)
	}
	log := read(t, folder, record.LogFile)
	if _, err := goOn(t, folder, "iterations=3"); err != nil {
		t.Fatal(err)
	}
	for path, content := range kept {
		if read(t, path) != content {
			t.Errorf("%s changed", path)
		}
	}
	if now := read(t, folder, record.LogFile); !strings.HasPrefix(now, log) || len(now) == len(log) {
		t.Error("the log does not go on behind what it was")
	}
	if n := len(checkpoints(t, folder)); n != 3 {
		t.Errorf("%d checkpoints, want 3", n)
	}
}

// The weight of cost.demonstration has decayed when a run goes on: its checkpoints are its own still.
func TestResumeWithDemonstration(t *testing.T) {
	learn := func(folder string, iterations int) {
		cfg, setup, simulated, err := node.LoadFile("../params/planar_arm_demonstration.yaml", []string{"run_folder=" + quoted(folder), fmt.Sprintf("iterations=%d", iterations),
			"cost.demonstration.weight=5.0", "cost.demonstration.position=1.0", "cost.demonstration.decay=0.5"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := node.Train(t.Context(), cfg, setup, simulated, new(bytes.Buffer)); err != nil {
			t.Fatal(err)
		}
	}
	folder, whole := filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "whole")
	learn(whole, 4)
	learn(folder, 2)
	if _, err := goOn(t, folder, "iterations=4"); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(checkpoints(t, folder), checkpoints(t, whole)) {
		t.Error("the checkpoints are not those of a run that was not cut off")
	}
	if log := read(t, folder, record.LogFile); strings.Contains(log, "set aside") {
		t.Errorf("something was set aside:\n%s", log)
	}
}

// A run that goes on has one clock: what is recorded later has later times, and the bag is in order.
func TestClockGoesOn(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "run")
	// The clock goes on by more than a reset may take.
	if _, _, err := train(t, t.Context(), folder, "reset.timeout=5.0"); err != nil {
		t.Fatal(err)
	}
	if _, err := goOn(t, folder, "iterations=4"); err != nil {
		t.Fatal(err)
	}
	view, err := record.View(folder)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := view.Index()
	if err != nil {
		t.Fatal(err)
	}
	if log := read(t, folder, record.LogFile); strings.Contains(log, "fault") {
		t.Errorf("a fault where the run went on:\n%s", log)
	}
	slices.SortFunc(entries, func(a, b record.Entry) int { return strings.Compare(a.Path, b.Path) })
	for i, e := range entries[1:] {
		if before := entries[i]; e.Start.Before(before.Start.Add(before.Duration)) {
			t.Errorf("%s begins at %v, %s ends at %v", e.Path, e.Start, before.Path, before.Start.Add(before.Duration))
		}
	}
}

// A run of which a report was lost goes on from its checkpoints, and says so.
func TestLostReport(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "run")
	if _, _, err := train(t, t.Context(), folder, "iterations=4"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, record.IterationsFile)
	lines := strings.SplitAfter(read(t, path), "\n")
	for _, c := range []struct {
		kept []string
		says string
	}{
		{[]string{lines[0], lines[1], lines[3]}, ": report of iteration 4, and none of 3 before it: its line was lost"},
		{[]string{lines[0], lines[3]}, ": report of iteration 4, and none of 2 to 3 before it: their lines were lost"},
		{[]string{lines[2], lines[3]}, ": report of iteration 3, and none of 1 to 2 before it: their lines were lost"},
	} {
		run := filepath.Join(t.TempDir(), "run")
		if err := os.CopyFS(run, os.DirFS(folder)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(run, record.IterationsFile), []byte(strings.Join(c.kept, "")), 0o666); err != nil {
			t.Fatal(err)
		}
		res, err := goOn(t, run, "iterations=5")
		if err != nil || len(res.Reports) != len(c.kept)+1 || res.Reports[len(c.kept)].Iteration != 5 {
			t.Errorf("%d lines: %+v, %v", len(c.kept), res, err)
		}
		if log := read(t, run, record.LogFile); strings.Count(log, filepath.Join(run, record.IterationsFile)+c.says) != 1 {
			t.Errorf("not once %q in the log:\n%s", c.says, log)
		}
	}
}
