package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// build makes the programs that are measured.
type build struct {
	root, dir string // the repository; where the programs go
}

func (b *build) path(program string) string { return filepath.Join(b.dir, program) }

// programs builds what needs no ROS 2.
func (b *build) programs(ctx context.Context) error {
	compiler := os.Getenv("CC")
	if compiler == "" {
		compiler = "cc"
	}
	peers, dds := filepath.Join("node", "bench", "peers"), filepath.Join("node", "transport", "dds")
	for _, c := range [][]string{
		{compiler, "-O2", "-o", b.path("robot"), filepath.Join(peers, "robot.c"), filepath.Join(dds, "raw.c"), "-I" + dds, "-lddsc"},
		{compiler, "-O2", "-o", b.path("pong"), filepath.Join(peers, "pong.c"), "-lddsc", "-lpthread"},
		{"go", "build", "-o", b.path("gps_node"), "./node/cmd/gps_node"},
	} {
		if err := b.command(ctx, c...); err != nil {
			return fmt.Errorf("%w; `make deps` installs what the build needs", err)
		}
	}
	return nil
}

var errNoROS = errors.New("no ROS 2 is sourced (AMENT_PREFIX_PATH is empty)")

// rclgo builds gps_node against the ROS 2 that is sourced.
func (b *build) rclgo(ctx context.Context) error {
	return b.command(ctx, "sh", "-c", `flags=$(scripts/ros_flags.sh) && eval "$flags" && go build -tags rclgo -o "$0/" ./node/cmd/gps_node`, b.path("rclgo"))
}

// rclcpp builds the node on rclcpp against the ROS 2 that is sourced.
func (b *build) rclcpp(ctx context.Context) error {
	folder := b.path("rclcpp")
	if err := b.command(ctx, "cmake", "-S", filepath.Join(b.root, "node", "bench", "peers", "rclcpp"), "-B", folder); err != nil {
		return err
	}
	return b.command(ctx, "cmake", "--build", folder)
}

func (b *build) command(ctx context.Context, args ...string) error {
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Dir = b.root
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", c, err, out)
	}
	return nil
}
