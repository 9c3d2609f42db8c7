package safety_test

import (
	"math"
	"testing"
	"time"

	"guidedpolicysearch/hardware"
	"guidedpolicysearch/hardware/safety"
)

// TestAllocations: nothing in a tick allocates, whatever happens in it.
func TestAllocations(t *testing.T) {
	for _, b := range bodies(t) {
		c := safety.DefaultConfig()
		c.SlewLimit, c.PowerLimit, c.OnFault, c.Delay = b.slew, b.power, safety.OnFaultHold, 5*time.Millisecond
		if b.robot.EndEffector != nil {
			c.WorkspaceUpper = []float64{0.6, 0.6}
		}
		f := filter(t, c, b.robot)
		deadlines, dog := safety.NewDeadlines(c), safety.NewWatchdog(c.LearnerTimeout)
		n := len(b.robot.Joints)
		r, wanted, applied := hardware.NewJointState(n), make([]float64, n), make([]float64, n)
		tick := 0
		if a := testing.AllocsPerRun(300, func() {
			tick++
			r.Stamp += 1e6
			for i := range wanted {
				wanted[i] = math.Sin(float64(tick)) * 100
				r.Position[i], r.Velocity[i] = math.Sin(float64(tick+i)), 2*math.Cos(float64(tick+i))
			}
			if tick%50 == 0 {
				wanted[0] = math.NaN()
			}
			f.Tick(r, wanted, safety.Source(tick%3), 0.001).Values()
			f.Applied(applied)
			f.Trip(deadlines.Tick(count(tick%9 == 0), int64(tick)))
			dog.Touch(int64(tick))
			f.Trip(dog.Silent(int64(tick)))
			if tick%60 == 0 {
				f.Reset()
			}
		}); a != 0 {
			t.Errorf("%s: %v allocations in a tick, want 0", b.name, a)
		}
	}
}
