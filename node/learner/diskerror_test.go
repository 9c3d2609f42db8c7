package learner

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"guidedpolicysearch/node/record"
)

// A checkpoint that the disk does not take is said with what to do, as a recording is.
func TestDiskRefusesCheckpoint(t *testing.T) {
	for name, c := range map[string]struct {
		harm func(t *testing.T, dir string)
		want []string
	}{
		"gone": {func(t *testing.T, dir string) {
			if err := os.Remove(dir); err != nil {
				t.Fatal(err)
			}
		}, []string{"is not there any more", "put it back"}},
		"full": {func(t *testing.T, dir string) {
			if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4k"); err != nil {
				t.Skipf("needs to be allowed to mount a tmpfs, as root is: %v", err)
			}
			t.Cleanup(func() {
				if err := syscall.Unmount(dir, 0); err != nil {
					t.Error(err)
				}
			})
		}, []string{"the disk is full", "are needed", "are free in", "free some space", "no space left on device"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlant(t)
			core, _ := p.core(taskProblem(t))
			dir := p.run.Path(record.CheckpointsDir)
			c.harm(t, dir)
			var err error
			for command := core.Next(); command != nil && err == nil; command = core.Next() {
				_, err = core.Recorded(context.Background(), p.record(command))
			}
			if !errors.Is(err, record.ErrDisk) {
				t.Fatalf("error %v, want an ErrDisk", err)
			}
			for _, part := range append(c.want, dir, "checkpoint_0001.gps") {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %v, want %q", err, part)
				}
			}
			if left, err := os.ReadDir(dir); err == nil && len(left) > 0 {
				t.Errorf("%d files are left", len(left))
			}
		})
	}
}
