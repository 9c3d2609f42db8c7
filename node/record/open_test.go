package record

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// What is no file, or far too large, is refused before it is read: a pipe has no end.
func TestOpenFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	if data, err := ReadFile(path, 4); err != nil || string(data) != "text" {
		t.Errorf("%q, %v", data, err)
	}
	if _, err := ReadFile(path, 3); !errors.Is(err, ErrDamaged) {
		t.Errorf("a file that is too large: %v", err)
	}
	if _, err := ReadFile(filepath.Join(dir, "none"), 4); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{pipe, dir} {
		if _, err := ReadFile(p, 4); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", p, err)
		}
	}
	// Where a run has one, its reports are told to be damaged, and nothing waits.
	run, err := Create(filepath.Join(dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Close(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(run.Path(IterationsFile), 0o644); err != nil {
		t.Fatal(err)
	}
	if run, _, err := Open(run.Dir()); !errors.Is(err, ErrDamaged) {
		t.Errorf("a run whose reports are a pipe: %v", err)
		run.Close()
	}
}
