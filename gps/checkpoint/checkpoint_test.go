package checkpoint_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"guidedpolicysearch/gps/algorithm"
	"guidedpolicysearch/gps/checkpoint"
	"guidedpolicysearch/gps/lqg"
)

func example(iteration int) *checkpoint.Checkpoint {
	c := lqg.NewController(3, 2, 1)
	for i := range c.K {
		c.K[i] = 0.1 * float64(i+iteration)
	}
	s := algorithm.NewState(7, 1, []*lqg.Controller{c})
	s.Iteration = iteration
	return &checkpoint.Checkpoint{State: s, StateNames: []string{"q", "dq"}, ActionNames: []string{"u"}}
}

func TestSaveLoad(t *testing.T) {
	dir := t.TempDir()
	for _, i := range []int{1, 2, 10} {
		if _, err := checkpoint.Save(dir, example(i)); err != nil {
			t.Fatal(err)
		}
	}
	got, passed, err := checkpoint.Latest(dir)
	if err != nil || len(passed) != 0 {
		t.Fatal(err, passed)
	}
	if !reflect.DeepEqual(got, example(10)) {
		t.Errorf("got %+v", got)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.tmp")); len(left) != 0 {
		t.Errorf("temporary files left: %v", left)
	}
}

// Every truncation and every flipped byte must be told, and Latest must fall back.
func TestDamagedFiles(t *testing.T) {
	dir := t.TempDir()
	if _, err := checkpoint.Save(dir, example(1)); err != nil {
		t.Fatal(err)
	}
	path, err := checkpoint.Save(dir, example(2))
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	check := func(data []byte, what string, at int) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := checkpoint.Load(path); !errors.Is(err, checkpoint.ErrDamaged) && !errors.Is(err, checkpoint.ErrVersion) {
			t.Fatalf("%s at %d: %v", what, at, err)
		}
		c, passed, err := checkpoint.Latest(dir)
		if err != nil || len(passed) != 1 || c.State.Iteration != 1 {
			t.Fatalf("%s at %d: latest %v, passed over %v, %v", what, at, c, passed, err)
		}
	}
	for i := range whole {
		if i < 100 || i%7 == 0 {
			check(whole[:i], "cut", i)
			flipped := append([]byte(nil), whole...)
			flipped[i] ^= 0x15
			check(flipped, "flip", i)
		}
	}
}

// A folder may have any name, also one that reads as a pattern.
func TestLatestInFolderNamedAsPattern(t *testing.T) {
	for _, name := range []string{"a[1]", "a[", "b*", "c?", `d\e`} {
		dir := filepath.Join(t.TempDir(), name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, i := range []int{9999, 10000} {
			if _, err := checkpoint.Save(dir, example(i)); err != nil {
				t.Fatal(err)
			}
		}
		c, passed, err := checkpoint.Latest(dir)
		if err != nil || len(passed) != 0 || c.State.Iteration != 10000 {
			t.Errorf("%s: %+v, passed over %v, %v", name, c, passed, err)
		}
	}
}

func TestLatestOfUnreadableFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := checkpoint.Latest(file); err == nil || errors.Is(err, checkpoint.ErrNone) {
		t.Errorf("got %v, want the error of the file system", err)
	}
}

func TestLatestOfNothing(t *testing.T) {
	if _, _, err := checkpoint.Latest(filepath.Join(t.TempDir(), "absent")); !errors.Is(err, checkpoint.ErrNone) {
		t.Errorf("got %v, want ErrNone", err)
	}
	if _, _, err := checkpoint.Latest(t.TempDir()); !errors.Is(err, checkpoint.ErrNone) {
		t.Errorf("got %v, want ErrNone", err)
	}
}
