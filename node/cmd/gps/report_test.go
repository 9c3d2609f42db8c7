package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A folder that is no run is not what was expected; one that is not there is a wrong argument.
func TestReportStatus(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]int{dir: statusDamaged, filepath.Join(dir, "none"): statusArguments} {
		cmd := reportCommand()
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		cmd.SetArgs([]string{path})
		var status exitStatus
		if err := cmd.ExecuteContext(t.Context()); !errors.As(err, &status) || status.status != want {
			t.Errorf("%s: error is %v, want status %d", path, err, want)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%d files were left (%v)", len(left), err)
	}
}

// A run that may not be written to is drawn where --out says, which the error names.
func TestReportReadOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	params := []byte("/guided_policy_search:\n  ros__parameters:\n    seed: 3\n")
	if err := errors.Join(os.MkdirAll(filepath.Join(dir, "rollouts"), 0o777), os.WriteFile(filepath.Join(dir, "params.yaml"), params, 0o666)); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount(dir, dir, "", syscall.MS_BIND, ""); err != nil {
		t.Skipf("needs to be allowed to mount, as root is: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	if err := syscall.Mount("", dir, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := printed(t, "report", dir); err == nil || !strings.Contains(err.Error(), "gps report "+dir+" --out") {
		t.Errorf("error %v, want one that names --out", err)
	}
	if _, err := printed(t, "report", dir, "--out", filepath.Join(t.TempDir(), "report.html")); err != nil {
		t.Error(err)
	}
}
