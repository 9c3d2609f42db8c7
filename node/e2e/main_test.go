// Package e2e tests the programs as users meet them: gps_node, sim_robot and gps as
// processes that talk over DDS on loopback. It has tests only.
package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"guidedpolicysearch/node/transport/middleware"
)

// programs is the folder with the built programs; TestMain sets it once.
var programs string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "gps-e2e-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	// Programs are also started as another user, who must reach them.
	if err := os.Chmod(dir, 0o755); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	args := []string{"build", "-buildvcs=false", "-o", dir + string(filepath.Separator)}
	if middleware.Name == "rclgo" {
		args = append(args, "-tags=rclgo")
	}
	build := exec.Command("go", append(args, "../cmd/...")...)
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n%s", build, err, out)
		return 1
	}
	programs = dir
	return m.Run()
}
