package node_test

import (
	"fmt"
	"math"
	"path/filepath"
	"testing"
)

// TestDelayIsCompensated learns on an arm whose drives act one or two policy steps late. With as
// many of the last actions in the state, it is learned nearly as well as can be: the delayed arm
// stands still at its initial position for so many steps more, which costs what it costs there.
// Without them, or with too few, it is learned far worse.
func TestDelayIsCompensated(t *testing.T) {
	cost := func(steps, previous int) float64 {
		t.Helper()
		set := []string{"iterations=10", "samples=5", "steps=100", fmt.Sprintf("command_latency=%v", 0.05*float64(steps))}
		if previous > 0 {
			set = append(set, "robot.state=[joint_positions,joint_velocities,end_effector_points,previous_torques]", fmt.Sprintf("robot.previous_torques=%d", previous))
		}
		res, out, err := train(t, t.Context(), filepath.Join(t.TempDir(), "run"), set...)
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		got := res.Reports[len(res.Reports)-1].MeanCost
		t.Logf("delay of %d steps, %d actions in the state: cost %.1f", steps, previous, got)
		return got
	}
	undelayed := cost(0, 0)
	// Half the squared distance of the joints from their target, (0, 0).
	standing := (math.Pow(0.75*math.Pi, 2) + math.Pow(0.5*math.Pi, 2)) / 2
	for steps := 1; steps <= 2; steps++ {
		best := undelayed + float64(steps)*standing
		for previous := range steps + 1 {
			switch got := cost(steps, previous); {
			case previous == steps && got > 1.25*best:
				t.Errorf("delay of %d steps, compensated: cost %.1f, want nearly %.1f", steps, got, best)
			case previous < steps && got < 2*best:
				t.Errorf("delay of %d steps, %d actions in the state: cost %.1f, it should be far from %.1f: the test shows nothing", steps, previous, got, best)
			}
		}
	}
}
