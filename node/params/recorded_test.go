package params

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// What another version wrote is read as far as it is known, and a file of something else is refused.
func TestReadRecorded(t *testing.T) {
	read := func(text string) (*config, error) {
		path := filepath.Join(t.TempDir(), "params.yaml")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		c := newConfig()
		_, err := ReadRecorded(path, c)
		return c, err
	}
	c, err := read("/node:\n  ros__parameters:\n    label: found\n    gone: 3\n    algorithm: {kl_step: 0.5, old: [1, 2]}\n")
	if err != nil {
		t.Fatal(err)
	}
	if want := newConfig().Algorithm.Iterations; c.Label != "found" || c.Algorithm.KLStep != 0.5 || c.Algorithm.Iterations != want {
		t.Errorf("label %q, kl_step %g, iterations %d; expected found, 0.5 and the default %d", c.Label, c.Algorithm.KLStep, c.Algorithm.Iterations, want)
	}
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadRecorded(pipe, newConfig()); err == nil || !strings.Contains(err.Error(), "expected a file") {
		t.Errorf("a pipe: %v", err)
	}
	for name, text := range map[string]string{
		"nothing known": "/node:\n  ros__parameters:\n    gone: 3\n",
		"empty":         "",
		"wrong type":    "/node:\n  ros__parameters:\n    label: [1, 2]\n",
	} {
		if _, err := read(text); err == nil {
			t.Errorf("%s: it was read", name)
		}
	}
}
