package trial_test

import (
	"slices"
	"testing"
	"time"

	"guidedpolicysearch/node/trial"
)

// TestDelayOfLockStep: a wall looks as far ahead as safety.delay says, but for a robot that waits for
// each torque.
func TestDelayOfLockStep(t *testing.T) {
	for _, c := range []struct {
		name        string
		lock, waits bool
		want        bool // the delay counts
	}{
		{"free running", false, false, true},
		{"lock step", true, true, false},
		{"lock step of a robot that does not wait", true, false, true},
	} {
		torque := func(delay time.Duration) []float64 {
			b := newBench(t, there, func(s *trial.Config, _ *robotConfig) {
				s.LockStep, s.Safety.Delay = c.lock, delay
				s.Safety.PositionUpper = []float64{there[0] + 0.15, there[1] + 0.15} // walls begin at 0.05
			})
			b.read()
			if c.waits {
				b.start(command(5))
			} else {
				b.tick()
				b.tick()
			}
			b.reading.Stamp += b.period
			b.reading.Velocity[0] = 1
			if !b.read().Publish {
				t.Fatalf("%s: no answer", c.name)
			}
			return slices.Clone(b.torque)
		}
		without, with := torque(0), torque(100*time.Millisecond)
		if differ := !slices.Equal(without, with); differ != c.want {
			t.Errorf("%s: torques are %v without the delay and %v with it", c.name, without, with)
		}
	}
}
