package main

import (
	"context"
	"errors"
	"path/filepath"

	"guidedpolicysearch/node/bench/harness"
)

// build makes the programs that are measured.
type build struct{ *harness.Build }

// programs builds what needs no ROS 2.
func (b *build) programs(ctx context.Context) error {
	peers, dds := filepath.Join("node", "bench", "peers"), filepath.Join("node", "transport", "dds")
	if err := b.C(ctx, "robot", filepath.Join(peers, "robot.c"), filepath.Join(dds, "raw.c"), "-I"+dds, "-lddsc"); err != nil {
		return err
	}
	if err := b.C(ctx, "pong", filepath.Join(peers, "pong.c"), "-lddsc", "-lpthread"); err != nil {
		return err
	}
	return b.Go(ctx, "gps_node", "./node/cmd/gps_node")
}

var errNoROS = errors.New("no ROS 2 is sourced (AMENT_PREFIX_PATH is empty)")

// rclgo builds gps_node against the ROS 2 that is sourced.
func (b *build) rclgo(ctx context.Context) error {
	return b.Command(ctx, "sh", "-c", `flags=$(scripts/ros_flags.sh) && eval "$flags" && go build -tags rclgo -o "$0/" ./node/cmd/gps_node`, b.Path("rclgo"))
}

// rclcpp builds the node on rclcpp against the ROS 2 that is sourced.
func (b *build) rclcpp(ctx context.Context) error {
	folder := b.Path("rclcpp")
	if err := b.Command(ctx, "cmake", "-S", filepath.Join(b.Root, "node", "bench", "peers", "rclcpp"), "-B", folder); err != nil {
		return err
	}
	return b.Command(ctx, "cmake", "--build", folder)
}
