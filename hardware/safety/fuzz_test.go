package safety_test

import (
	"math"
	"testing"

	"guidedpolicysearch/hardware/safety"
)

// FuzzTick: whatever the numbers of three ticks, the torques are finite and within the limits of
// size and slew, and a fault stays.
func FuzzTick(f *testing.F) {
	nan, inf := math.NaN(), math.Inf(1)
	f.Add(uint8(0), 0.1, 0.2, 0.3, 0.4, 5.0, 6.0, 0.001)
	f.Add(uint8(1), 1.99, -2.39, 2.0, -3.0, 1e300, -1e300, 0.001)
	f.Add(uint8(6), nan, 0.0, 0.0, 0.0, 0.0, 0.0, 0.01)
	f.Add(uint8(11), 0.0, 0.0, 0.0, 0.0, inf, nan, nan)
	f.Add(uint8(16), 1e160, 1e200, 1e300, math.MaxFloat64, 1.0, 1.0, inf)
	f.Add(uint8(21), 5e-324, -5e-324, 1e-300, 0.0, 5e-324, 1.0, 5e-324)
	f.Add(uint8(255), 0.5, 0.5, -1.9, 2.9, -40.0, 15.0, -1.0)
	f.Fuzz(func(t *testing.T, choice uint8, q0, q1, v0, v1, u0, u1, dt float64) {
		b := bodies(t)[3]
		c := plain()
		c.OnFault = []string{safety.OnFaultZero, safety.OnFaultDamp, safety.OnFaultHold}[choice%3]
		c.Filter = []string{safety.FilterAuto, safety.FilterAlways, safety.FilterNever}[choice/3%3]
		c.SlewLimit, c.Braking = b.slew, []float64{5, 5}
		c.WorkspaceLower, c.WorkspaceUpper = []float64{-0.4, -0.5}, []float64{0.6, 0.45}
		if choice&64 != 0 {
			c.PowerLimit = b.power
		}
		b.robot.Compensate = choice&128 != 0
		filter := filter(t, c, b.robot)
		last := []float64{0, 0}
		for tick := range 3 {
			fault := filter.Fault()
			// The second tick is an ordinary one.
			r, wanted, step := at(0.1, 0.1, 0, 0), []float64{40, -15}, 0.001
			if tick != 1 {
				r, wanted, step = at(q0, q1, v0, v1), []float64{u0, u1}, dt
			}
			torque := filter.Tick(r, wanted, safety.Source(choice%3), step).Values()
			if fault.Kind != safety.NoFault && filter.Fault().Kind != fault.Kind {
				t.Fatalf("tick %d: fault %v became %v", tick, fault, filter.Fault())
			}
			if !(step > 0) {
				step = 0
			}
			for i, v := range torque {
				if !(math.Abs(v) <= b.robot.EffortLimit[i]) {
					t.Fatalf("tick %d: torque %v", tick, torque)
				}
				if most := c.SlewLimit[i] * min(step, 1); v != 0 && math.Abs(v-last[i]) > most*(1+1e-12) {
					t.Fatalf("tick %d: torque %v after %v, %v more at most", tick, torque, last, most)
				}
				last[i] = v
			}
		}
	})
}
