package node_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"guidedpolicysearch/node"
	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/record"
)

// contents returns all that is in a folder: bytes, mode and time of each file.
func contents(t *testing.T, folder string) map[string]string {
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
		text := info.Mode().String() + info.ModTime().String()
		if !e.IsDir() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text += string(data)
		}
		all[path] = text
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func read(t *testing.T, parts ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// A run cannot go on as another problem; then nothing in its folder changes.
func TestResumeOtherProblem(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "run")
	if _, _, err := train(t, t.Context(), folder, "iterations=1"); err != nil {
		t.Fatal(err)
	}
	// What a crash leaves behind is not cleared up either.
	if err := os.WriteFile(filepath.Join(folder, ".params.yaml.tmp"), []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	before := contents(t, folder)
	for _, c := range []struct{ set, was, is string }{
		{"seed=6", "1", "6"},
		{"samples=3", "2", "3"},
		{"steps=30", "20", "30"},
		{"dt=0.1", "0.05", "0.1"},
		{"conditions.initial_position=[1.0, 1.0]", "[2.356194490192345, 1.5707963267948966]", "[1.0, 1.0]"},
		{"robot.effort_limit=[100.0, 200.0]", "[200.0, 200.0]", "[100.0, 200.0]"},
		{"cost.torque.weight=0.5", "1e-05", "0.5"},
		{"initial_controller.variance=0.2", "0.1", "0.2"},
		{"reset.stiffness=[6.0, 2.0]", "[6.0, 1.0]", "[6.0, 2.0]"},
		{"noise.sigma=1.0", "2.0", "1.0"},
	} {
		_, _, err := train(t, t.Context(), folder, c.set, "iterations=2", "algorithm.kl_step=0.5")
		if !errors.Is(err, learner.ErrOtherRun) {
			t.Errorf("%s: got %v, want ErrOtherRun", c.set, err)
			continue
		}
		key, _, _ := strings.Cut(c.set, "=")
		for _, want := range []string{key + " was " + c.was + ", is " + c.is, "choose another run_folder", folder} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q is not in: %v", c.set, want, err)
			}
		}
		if strings.Contains(err.Error(), "kl_step") {
			t.Errorf("%s: blames kl_step: %v", c.set, err)
		}
		if after := contents(t, folder); !reflect.DeepEqual(after, before) {
			t.Fatalf("%s: the folder changed", c.set)
		}
	}
}

// What does not change the problem may change, and is kept and noted.
func TestResumeOtherSettings(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "run")
	if _, _, err := train(t, t.Context(), folder, "iterations=1"); err != nil {
		t.Fatal(err)
	}
	first := read(t, folder, record.ParamsFile)
	if _, _, err := train(t, t.Context(), folder, "algorithm.kl_step=0.5", "reset.attempts=7"); err != nil {
		t.Fatal(err)
	}
	if kept := read(t, folder, "params.1.yaml"); kept != first {
		t.Errorf("params.1.yaml is not the first file:\n%s", kept)
	}
	second := read(t, folder, record.ParamsFile)
	log := read(t, folder, record.LogFile)
	for _, want := range []string{
		"parameter iterations was 1 (see params.1.yaml), is 2 from here on\n",
		"parameter algorithm.kl_step was 1.0 (see params.1.yaml), is 0.5 from here on\n",
		"parameter reset.attempts was 3 (see params.1.yaml), is 7 from here on\n",
	} {
		if strings.Count(log, want) != 1 {
			t.Errorf("not once %q in the log:\n%s", want, log)
		}
	}
	if n := strings.Count(log, "]: parameter "); n != 3 {
		t.Errorf("%d changes in the log, want 3:\n%s", n, log)
	}
	if _, _, err := train(t, t.Context(), folder, "algorithm.kl_step=0.25", "reset.attempts=7"); err != nil {
		t.Fatal(err)
	}
	if kept := read(t, folder, "params.2.yaml"); kept != second || read(t, folder, "params.1.yaml") != first {
		t.Errorf("params.2.yaml is not the second file:\n%s", kept)
	}
	// The learner, which reads the file, has the new value.
	args, err := rcl.Parse([]string{"--ros-args", "--params-file", filepath.Join(folder, record.ParamsFile)})
	if err != nil {
		t.Fatal(err)
	}
	_, cfg, err := node.Load(args)
	if err != nil || cfg.Algorithm.KLStep != 0.25 {
		t.Errorf("kl_step is %v, want 0.25: %v", cfg.Algorithm.KLStep, err)
	}
}

// A file that a person changed is compared by what it means.
func TestResumeEditedParameters(t *testing.T) {
	for _, c := range []struct {
		name, old, new string
		want           error
		text           string
	}{
		{"other form", "samples: 2\n", "samples: 0x2 # of two\n", nil, ""},
		{"unknown key", "samples: 2\n", "samples: 2\n    of_another_version: 1\n", nil, ""},
		{"seed gone", "    seed: 1\n", "", nil, ""}, // the default is 1
		{"other seed", "    seed: 1\n", "    seed: 2\n", learner.ErrOtherRun, "seed was 2, is 1"},
		{"not readable", "    seed: 1\n", "    seed: [\n", rcl.ErrParameters, "mend the file, or choose another run_folder"},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "run")
			if _, _, err := train(t, t.Context(), folder, "iterations=1"); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(folder, record.ParamsFile)
			text := read(t, path)
			if strings.Count(text, c.old) != 1 {
				t.Fatalf("%q is not once in:\n%s", c.old, text)
			}
			if err := os.WriteFile(path, []byte(strings.Replace(text, c.old, c.new, 1)), 0o644); err != nil {
				t.Fatal(err)
			}
			_, _, err := train(t, t.Context(), folder, "iterations=1")
			if c.want == nil && err != nil || c.want != nil && (!errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text)) {
				t.Errorf("got %v, want %v with %q", err, c.want, c.text)
			}
		})
	}
}

// removing removes files of a run once some text was written to it.
type removing struct {
	after string
	paths []string
	done  bool
}

func (r *removing) Write(p []byte) (int, error) {
	if !r.done && strings.Contains(string(p), r.after) {
		r.done = true
		for _, path := range r.paths {
			if err := os.Remove(path); err != nil {
				return 0, err
			}
		}
	}
	return len(p), nil
}

// Parameters that are removed from the folder of a run that goes on are written again when the next trial
// is over, with a word, and the run is what it would have been. Where the lock is gone too the run ends:
// another process may have the folder.
func TestParametersRemoved(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "plain")
	want, _, err := train(t, t.Context(), plain)
	if err != nil {
		t.Fatal(err)
	}
	for _, names := range [][]string{{record.ParamsFile}, {record.ParamsFile, record.SimulatorFile}, {record.ParamsFile, ".lock"}} {
		folder := filepath.Join(t.TempDir(), "run")
		cfg, setup, simulated, err := node.LoadFile(planarArm, append([]string{"run_folder=" + quoted(folder)}, short...))
		if err != nil {
			t.Fatal(err)
		}
		w := &removing{after: "\n"}
		for _, name := range names {
			w.paths = append(w.paths, filepath.Join(folder, name))
		}
		res, err := node.Train(t.Context(), cfg, setup, simulated, w)
		if !w.done {
			t.Fatalf("nothing was removed: %v", err)
		}
		if names[len(names)-1] == ".lock" {
			if !errors.Is(err, record.ErrLocked) {
				t.Errorf("without a lock: %v, want ErrLocked", err)
			}
			if _, err := os.Stat(w.paths[0]); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the parameters were written into a folder that may be another's: %v", err)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(costs(res), costs(want)) {
			t.Errorf("%q: %v", names, err)
		}
		log := read(t, folder, record.LogFile)
		for _, name := range names {
			if text := strings.ReplaceAll(read(t, folder, name), folder, plain); text != read(t, plain, name) {
				t.Errorf("%s is not what it was:\n%s", name, text)
			}
			if says := filepath.Join(folder, name) + " was removed while the run goes on, and is written again"; strings.Count(log, says) != 1 {
				t.Errorf("not once %q in the log:\n%s", says, log)
			}
		}
	}
}
