package node_test

import (
	"errors"
	"strings"
	"testing"

	"guidedpolicysearch/node"
	"guidedpolicysearch/node/params"
)

const planarArm = "../params/planar_arm.yaml"

// The node's parameters and the simulated robot's must suit each other.
func TestLoadFileSuits(t *testing.T) {
	for _, c := range []struct {
		name string
		set  []string
		want []string // in the error; none if there is to be no error
	}{
		{"as it is", nil, nil},
		{"ten steps per action", []string{"time_step=0.005"}, nil},
		{"three steps of 0.1", []string{"dt=0.3", "time_step=0.1"}, nil},
		{"no whole multiple", []string{"time_step=0.02"}, []string{"planar_arm.yaml:", "dt", "0.05 s", "sim_robot's time_step", "0.02 s"}},
		{"shorter than a step", []string{"dt=0.02"}, []string{"--set dt=0.02", "dt", "0.02 s", "time_step", "0.05 s"}},
		{"just off", []string{"dt=0.05000001"}, []string{"dt", "0.05000001 s", "time_step", "0.05 s"}},
		{"by the clock", []string{"time_step=0.02", "lock_step=false"}, nil},
		{"joints of both", []string{"joints=[a, b]", "robot.joints=[a, b]"}, nil},
		{"other order", []string{"robot.joints=[joint2, joint1]"}, []string{"--set robot.joints", "order", `["joint2" "joint1"]`, `["joint1" "joint2"]`}},
		{"other names", []string{"joints=[a, joint2]"}, []string{"robot.joints", `["joint1" "joint2"]`, `["a" "joint2"]`}},
		{"twice the same", []string{"robot.joints=[joint1, joint1]"}, []string{"joint1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, _, err := node.LoadFile(planarArm, c.set)
			if c.want == nil && err != nil {
				t.Fatal(err)
			}
			if c.want == nil {
				return
			}
			if !errors.Is(err, params.ErrInvalid) {
				t.Fatalf("got %v, want ErrInvalid", err)
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q is not in: %v", w, err)
				}
			}
			if n := len(strings.Split(err.Error(), "\n")); n != 1 {
				t.Errorf("%d lines: %v", n, err)
			}
			if _, _, err := node.SplitAssignments(planarArm, c.set); err == nil {
				t.Error("SplitAssignments found nothing wrong")
			}
		})
	}
}
