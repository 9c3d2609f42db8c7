package ros2control_test

import (
	"path/filepath"
	"testing"

	"guidedpolicysearch/node"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/ros2control"
)

// TestRobots loads the parameters of every arm, strictly, and holds them to be cautious: the
// controller is checked, and trials begin and end within the limits.
func TestRobots(t *testing.T) {
	files, err := filepath.Glob("../../params/robots/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("files %q, error %v", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			args, err := rcl.Parse([]string{"--ros-args", "--params-file", file})
			if err != nil {
				t.Fatal(err)
			}
			setup, cfg, err := node.Load(args)
			if err != nil {
				t.Fatal(err)
			}
			if len(setup.Warnings) > 0 {
				t.Errorf("warnings %q", setup.Warnings)
			}
			kind := ros2control.Commands(cfg.Commands.Type)
			if err := kind.Check(len(cfg.Robot.Joints)); err != nil {
				t.Error(err)
			}
			if cfg.Control.Check != ros2control.Required {
				t.Errorf("ros2_control.check is %s, want %s", cfg.Control.Check, ros2control.Required)
			}
			if cfg.LockStep || len(cfg.Reset.VelocityLimit) == 0 || cfg.Safety.OnFault != "damp" || cfg.Safety.Recovery != "manual" {
				t.Errorf("lock step %v, reset's velocity limit %v, on a fault %s, recovery %s", cfg.LockStep, cfg.Reset.VelocityLimit, cfg.Safety.OnFault, cfg.Safety.Recovery)
			}
			for name, positions := range map[string][]float64{"conditions.initial_position": cfg.Conditions.Position, "cost.joint_position.target": cfg.Cost.Position.Target} {
				for i, q := range positions {
					joint := i % len(cfg.Robot.Joints)
					if len(cfg.Safety.PositionLower) > 0 && (q < cfg.Safety.PositionLower[joint]+cfg.Safety.PositionZone || q > cfg.Safety.PositionUpper[joint]-cfg.Safety.PositionZone) {
						t.Errorf("%s of %s is %v, want it between the limits %v and %v", name, cfg.Robot.Joints[joint], q, cfg.Safety.PositionLower[joint], cfg.Safety.PositionUpper[joint])
					}
				}
			}
		})
	}
}
