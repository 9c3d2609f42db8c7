package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guidedpolicysearch/node/inspection"
)

// printed runs a command and returns what it prints on standard output, and its error.
func printed(t *testing.T, args ...string) (string, error) {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "stdout")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	before := os.Stdout
	os.Stdout = file
	defer func() { os.Stdout = before }()
	root := rootOf(t)
	root.SetArgs(args)
	failure := root.ExecuteContext(t.Context())
	text, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text), failure
}

// Whatever is wrong with a path, there is an object for it, and one for every other path.
func TestInspectJSON(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{"text.txt": "hello", "cut.gps": "GPSCHECKPOINT 1 100 00\n", "task.yaml": "/**/guided_policy_search:\n  ros__parameters:\n    seed: 3\n"} {
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	text, err := printed(t, "inspect", "--json", "text.txt", "cut.gps", "task.yaml")
	var list []inspection.Report
	if e := json.Unmarshal([]byte(text), &list); e != nil || len(list) != 3 {
		t.Fatalf("%q: %v", text, e)
	}
	var s exitStatus
	if !errors.As(err, &s) || s.status != statusDamaged || !strings.Contains(err.Error(), "text.txt begins with") {
		t.Errorf("%v, want status %d for text.txt", err, statusDamaged)
	}
	for i, want := range []inspection.Report{{Path: "text.txt", Kind: inspection.KindUnknown, Bytes: 5, Error: "text.txt begins with"}, {Path: "cut.gps", Kind: inspection.KindCheckpoint, Bytes: 23, Damaged: []string{"cut.gps"}}, {Path: "task.yaml", Kind: inspection.KindParameters, Bytes: 57}} {
		got := list[i]
		if got.Path != want.Path || got.Kind != want.Kind || got.Bytes != want.Bytes || !strings.Contains(got.Error, want.Error) || (got.Error == "") != (want.Error == "") || len(got.Damaged) != len(want.Damaged) {
			t.Errorf("%s: %+v, want %+v", want.Path, got, want)
		}
	}
	for _, name := range []string{"text.txt", "cut.gps"} {
		text, err := printed(t, "inspect", "--json", name)
		var one inspection.Report
		if e := json.Unmarshal([]byte(text), &one); e != nil || one.Path != name || err == nil {
			t.Errorf("%s: %q (%v), and error %v", name, text, e, err)
		}
	}
	if text, _ := printed(t, "inspect", "text.txt", "task.yaml"); !strings.Contains(text, "text.txt: of no kind that is known, 5 bytes\nError: ") || !strings.Contains(text, "task.yaml: a parameter file") {
		t.Errorf("printed %q", text)
	}
}

// The folder of another run is a wrong argument of train, and left as it is.
func TestTrainIntoRun(t *testing.T) {
	params, err := filepath.Abs("../../../params")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for _, dir := range []string{"run/rollouts", "other/files"} {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"planar_arm.yaml", "run"}, {"planar_arm.yaml", "other"}, {"pendulum_ilqg.yaml", "other"}} {
		if got := runArguments(t, "train", filepath.Join(params, args[0]), "--out", args[1]); got != statusArguments {
			t.Errorf("%q: status %d, want %d", args, got, statusArguments)
		}
	}
}
