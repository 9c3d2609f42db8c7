package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestFuzzGoesOn runs make fuzz with a go that fails at one target: the others are tried
// too, and the one is named at the end.
func TestFuzzGoesOn(t *testing.T) {
	t.Parallel()
	bin := t.TempDir()
	script := "#!/bin/sh\ncase \"$*\" in *FuzzFrame*) echo context deadline exceeded; exit 1;; esac\n"
	if err := os.WriteFile(filepath.Join(bin, "go"), []byte(script), 0o777); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("make", "--no-print-directory", "-C", "../..", "--assume-old=deps", "fuzz")
	cmd.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "MAKEFLAGS=", "MAKELEVEL=")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err == nil {
		t.Error("make fuzz: no error")
	}
	_, after, _ := strings.Cut(stdout.String(), "FuzzFrame")
	if !strings.Contains(after, "Fuzz") {
		t.Errorf("no target is tried after the one that fails: %s", stdout.String())
	}
	if text := stderr.String(); !strings.Contains(text, "failed") || strings.Count(text, "node/learner/frame_test.go: FuzzFrame") != 1 || strings.Contains(text, "FuzzReadCSV") {
		t.Errorf("the end does not name the target: %s", text)
	}
}
