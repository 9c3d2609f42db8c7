package safety_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"guidedpolicysearch/hardware"
	"guidedpolicysearch/hardware/kinematics"
	"guidedpolicysearch/hardware/safety"
)

// delays are what the plants are tried with.
var delays = []time.Duration{time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond}

// late returns the body with readings that are late: by which the model is wrong for longer, and more.
func late(b *body, delay time.Duration) *body {
	c := *b
	c.delay = delay
	c.error *= 4
	return &c
}

// TestPropertiesOfDelay drives the plants as TestProperties does, with readings that are late, by the
// delay or by less from one to the next.
func TestPropertiesOfDelay(t *testing.T) {
	for i, b := range bodies(t) {
		for k, delay := range delays {
			t.Run(fmt.Sprintf("%s, %v", b.name, delay), func(t *testing.T) {
				drive(t, late(b, delay), max(1, ticks(t)/10), uint64(1000+10*i+k))
			})
		}
	}
}

// TestDelayMatters: where the filter is not told of it, limits are exceeded by far more than the
// margins that are stated for it.
func TestDelayMatters(t *testing.T) {
	for i, b := range bodies(t) {
		if !b.driven {
			continue
		}
		b = late(b, 5*time.Millisecond)
		b.concealed, b.pushes = true, true
		if used := drive(t, b, 20_000, uint64(1100+i)); !(used[1] > 2) {
			t.Errorf("%s: speeds exceed their limits by %.2g of the margin, which shows nothing", b.name, used[1])
		}
	}
}

// TestDelayIsNoWall: with late readings joints still come near their limits, and as fast as they may.
func TestDelayIsNoWall(t *testing.T) {
	for _, b := range bodies(t)[:2] { // whose joints do not turn one another
		for _, delay := range append(delays, 0) {
			b := late(b, delay)
			r := newTrial(t, b, 1)
			c := r.cfg
			c.SlewLimit, c.PowerLimit, c.Filter = nil, 0, safety.FilterAlways
			r.f, r.steady = filter(t, c, b.robot), true
			r.begin(make([]float64, r.n))
			r.read(r.reading)
			for _, p := range r.past {
				p.CopyFrom(r.reading)
			}
			fastest := 0.0
			for range 4000 {
				r.sense()
				if err := r.step(r.f.Tick(r.seen, b.robot.EffortLimit, safety.Learned, b.dt).Values()); err != nil {
					t.Fatal(err)
				}
				fastest = max(fastest, r.reading.Velocity[0])
			}
			wantFault(t, b.name, r.f, safety.NoFault)
			if left := b.robot.Upper[0] - r.reading.Position[0]; math.Abs(left) > 1e-3 || fastest < 0.97*b.robot.Velocity[0] {
				t.Errorf("%s, %v: it ends %v before its limit, and was as fast as %v, limit %v", b.name, delay, left, fastest, b.robot.Velocity[0])
			}
		}
	}
}

// mass returns a filter of two joints of 1 kg m^2 before a limit of their speed, 1 rad/s, whose
// torques act at most 10 ms after their readings.
func mass(t *testing.T) *safety.Filter {
	c, r := plain(), two()
	c.Braking, c.VelocityMargin, c.AccelerationError, c.Delay = []float64{5, 5}, 10, 0, 10*time.Millisecond
	r.Dynamics, r.Velocity = constant{1, 0}, []float64{1, 1}
	return filter(t, c, r)
}

// TestDelayByHand: what is left to the limit, less what the torques on their way may take of it,
// over the time for which the new one may act.
func TestDelayByHand(t *testing.T) {
	wanted := []float64{10, 0}
	for _, c := range []struct {
		name   string
		before func(f *safety.Filter)
		stamp  int64 // ms
		speed  float64
		want   float64
	}{
		{"nothing was sent", func(*safety.Filter) {}, 10, 0.9, 0.1 / 0.012},
		{"9 N m are on their way", func(f *safety.Filter) { f.Tick(still(8), []float64{9, 0}, safety.Learned, 0.002) }, 10, 0.9, (0.1 - 9*0.010) / 0.002},
		{"-9 N m are, or are not yet", func(f *safety.Filter) { f.Tick(still(8), []float64{-9, 0}, safety.Learned, 0.002) }, 10, 0.9, 0.1 / 0.012},
		{"9 N m may go on, as nobody knows when zero acts", func(f *safety.Filter) {
			f.Tick(still(8), []float64{9, 0}, safety.Learned, 0.002)
			f.Zero()
		}, 10, 0.9, (0.1 - 9*0.010) / 0.002},
		{"9 N m may go on, as nobody knows when the zero of a fault acts", func(f *safety.Filter) {
			f.Tick(still(4), []float64{9, 0}, safety.Learned, 0.002)
			f.Trip(safety.Fault{Kind: safety.Gap})
			f.Tick(still(6), []float64{9, 0}, safety.Learned, 0.002)
			f.Reset()
			f.Tick(still(8), []float64{0, 0}, safety.Learned, 0.002)
		}, 10, 0.9, (0.1 - 9*0.006) / 0.006},
		{"-9 N m brake enough", func(f *safety.Filter) {
			f.Tick(still(8), []float64{-9, 0}, safety.Learned, 0.002)
			f.Tick(still(20), []float64{-9, 0}, safety.Learned, 0.002)
			f.Tick(still(22), []float64{-9, 0}, safety.Learned, 0.002)
		}, 24, 1.05, -0.05 / 0.012},
		{"-9 N m would, but zero may act", func(f *safety.Filter) {
			f.Tick(still(8), []float64{-9, 0}, safety.Learned, 0.002)
			f.Tick(still(20), []float64{-9, 0}, safety.Learned, 0.002)
			f.Tick(still(22), []float64{-9, 0}, safety.Learned, 0.002)
			f.Zero()
		}, 24, 1.05, -10},
		{"zero answers a reading before", func(f *safety.Filter) {
			f.Tick(still(0), []float64{9, 0}, safety.Learned, 0.002)
			f.Zero()
			f.Tick(still(8), []float64{0, 0}, safety.Learned, 0.002)
			f.Tick(still(18), []float64{0, 0}, safety.Learned, 0.002)
		}, 28, 0.9, 0.1 / 0.020},
		{"readings are rare", func(f *safety.Filter) { f.Tick(still(4), []float64{0, 0}, safety.Learned, 0.002) }, 10, 0.9, 0.1 / 0.016},
	} {
		f := mass(t)
		c.before(f)
		r := at(0, 0, c.speed, 0)
		r.Stamp = c.stamp * 1e6
		if got := f.Tick(r, wanted, safety.Learned, 0.002).Values()[0]; math.Abs(got-c.want) > 1e-3*math.Abs(c.want) {
			t.Errorf("%s: torque is %v, want %v", c.name, got, c.want)
		}
	}
}

// TestWallsLookAhead: a joint or a point that will be in its wall's zone within the delay is there.
func TestWallsLookAhead(t *testing.T) {
	c, r := plain(), two()
	c.Filter, c.PositionZone, c.WallStiffness, c.WallDamping, c.Delay = safety.FilterNever, 0.2, []float64{10, 10}, []float64{0, 0}, 50*time.Millisecond
	r.Lower, r.Upper = []float64{-1, -1}, []float64{1, 1}
	for _, k := range []struct{ position, speed, wanted, want float64 }{
		{0.8, 0, 8, 8},
		{0.8, 2, 8, 8*0.5 - 10*0.1},
		{0.9, -2, 8, 8*0.5 - 10*0.1}, // where it is counts too
		{-0.8, -2, -8, -8*0.5 + 10*0.1},
		{-0.8, 2, -8, -8},
	} {
		wantTorque(t, fmt.Sprint(k), filter(t, c, r).Tick(at(k.position, 0, k.speed, 0), []float64{k.wanted, 0}, safety.Learned, 0.001), k.want, 0)
	}
	arm, err := kinematics.NewPlanar(kinematics.PlanarConfig{Lengths: []float64{1, 1}, Coordinates: 2})
	if err != nil {
		t.Fatal(err)
	}
	// The arm along x turns with 2 rad/s: its end moves with 4 m/s along y.
	for side, want := range map[float64]float64{1: -4, -1: 4} {
		c, r := plain(), two()
		c.WorkspaceZone, c.WorkspaceStiffness, c.WorkspaceDamping, c.Delay = 0.1, 20, 0, 50*time.Millisecond
		c.WorkspaceLower, c.WorkspaceUpper = []float64{-9, -0.2}, []float64{9, 0.2}
		r.EndEffector = arm
		// Within the delay it will be at y = 0.2, 0.1 m into the zone.
		wantTorque(t, fmt.Sprint("workspace, side ", side), filter(t, c, r).Tick(at(0, 0, 2*side, 0), []float64{0, 0}, safety.Learned, 0.001), want, want/2)
	}
}

// TestDelayTooLong is refused, and so is a negative one.
func TestDelayTooLong(t *testing.T) {
	for delay, ok := range map[time.Duration]bool{0: true, 100 * time.Millisecond: true, 101 * time.Millisecond: false, -1: false} {
		c := plain()
		c.Delay = delay
		if err := c.Validate(); (err == nil) != ok || err != nil && (!errors.Is(err, safety.ErrConfig) || !strings.Contains(err.Error(), "delay is")) {
			t.Errorf("%v: %v", delay, err)
		}
	}
}

// still returns a reading at rest of so many ms.
func still(ms int64) *hardware.JointState {
	r := at(0, 0, 0, 0)
	r.Stamp = ms * 1e6
	return r
}
