package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Names of the programs that are built.
const (
	ticker = "ticker"
	bench  = "bench"
)

// build makes the programs in a folder.
func build(ctx context.Context, root, dir string) error {
	compiler := os.Getenv("CC")
	if compiler == "" {
		compiler = "cc"
	}
	for _, args := range [][]string{
		{compiler, "-O2", "-o", filepath.Join(dir, ticker), filepath.Join("node", "bench", "peers", "ticker.c")},
		{"go", "build", "-o", filepath.Join(dir, bench), "./gps/bench"},
	} {
		if err := command(ctx, root, args...); err != nil {
			return fmt.Errorf("%w; `make deps` installs what the build needs", err)
		}
	}
	return nil
}

// command runs a program in a folder.
func command(ctx context.Context, dir string, args ...string) error {
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", c, err, out)
	}
	return nil
}
