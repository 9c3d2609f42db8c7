package main

import (
	"errors"
	"os"
	"path/filepath"
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
