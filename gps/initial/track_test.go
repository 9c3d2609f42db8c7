package initial_test

import (
	"math"
	"testing"

	"guidedpolicysearch/gps/initial"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/hardware/sim"
)

// trackT and trackDT are those of the trials that follow the demonstration.
const (
	trackT  = 60
	trackDT = 0.05
)

// demonstrate swings the planar two-link arm with gravity up from hanging, driven by a
// script under torque limits, at 200 Hz, and records what it did.
func demonstrate(t *testing.T) (*initial.Demonstration, *sim.PlanarArm) {
	t.Helper()
	cfg := sim.DefaultPlanarArmConfig()
	cfg.Gravity = 9.81
	arm, err := sim.NewPlanarArm(cfg)
	if err != nil {
		t.Fatal(err)
	}
	const step = 0.005
	s, err := sim.New(arm, sim.Config{TimeStep: step, Substeps: 2, Integrator: sim.RungeKutta4})
	if err != nil {
		t.Fatal(err)
	}
	start, goal, limit := []float64{-math.Pi / 2, 0}, []float64{0.2, 0.8}, []float64{9.6, 2}
	if err := s.SetState(append(append([]float64(nil), start...), 0, 0)); err != nil {
		t.Fatal(err)
	}
	d := &initial.Demonstration{DQ: 2, DU: 2}
	u := make([]float64, 2)
	const duration = trackT * trackDT
	limited := false
	for k := range int(duration/step) + 1 {
		now := float64(k) * step
		// A minimum-jerk motion in 2.2 s under computed torque, cut at the limits.
		z := min(now/2.2, 1)
		along, rate := z*z*z*(10-15*z+6*z*z), z*z*(30-60*z+30*z*z)/2.2
		q, dq := s.Positions(), s.Velocities()
		ddq := make([]float64, 2)
		for j := range ddq {
			ddq[j] = 60*(start[j]+along*(goal[j]-start[j])-q[j]) + 15*(rate*(goal[j]-start[j])-dq[j])
		}
		arm.InverseDynamics(u, q, dq, ddq)
		for j := range u {
			limited = limited || math.Abs(u[j]) > limit[j]
			u[j] = min(max(u[j], -limit[j]), limit[j])
		}
		d.Time = append(d.Time, 100+now)
		d.Position, d.Velocity, d.Effort = append(d.Position, q...), append(d.Velocity, dq...), append(d.Effort, u...)
		if err := s.Step(u); err != nil {
			t.Fatal(err)
		}
	}
	if !limited {
		t.Fatal("the demonstration was to run into the torque limits")
	}
	if final := d.Position[len(d.Position)-2]; math.Abs(final-goal[0]) > 0.05 {
		t.Fatalf("the demonstration ends at %v, want %v", final, goal[0])
	}
	return d, arm
}

// follow runs one trial, with exploration noise if noisy, and returns the largest distance
// of a joint from the demonstration at any step, and its root mean square.
func follow(t *testing.T, arm *sim.PlanarArm, ref *initial.Reference, c *lqg.Controller, noisy bool) (most, rms float64) {
	t.Helper()
	s, err := sim.New(arm, sim.Config{TimeStep: trackDT, Substeps: 20, Integrator: sim.RungeKutta4})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetState(append(append([]float64(nil), ref.Position[:2]...), ref.Velocity[:2]...)); err != nil {
		t.Fatal(err)
	}
	noise := make([]float64, trackT*2)
	if noisy {
		if noise, err = rollout.Noise(1, trackT, 2, rollout.DefaultNoiseConfig()); err != nil {
			t.Fatal(err)
		}
	}
	x, u := make([]float64, 4), make([]float64, 2)
	for k := range trackT + 1 {
		s.State(x)
		for j := range 2 {
			off := math.Abs(x[j] - ref.Position[2*k+j])
			most, rms = max(most, off), rms+off*off/(2*(trackT+1))
		}
		if k < trackT {
			c.Act(u, x, k, noise[2*k:2*k+2])
			if err := s.Step(u); err != nil {
				t.Fatal(err)
			}
		}
	}
	return most, math.Sqrt(rms)
}

// TestTracksDemonstration: in the first trial the arm follows the demonstration within
// 0.005 rad with recorded torques and with inverse dynamics, from positions alone too,
// and with exploration noise within 0.1 rad; the same gains without feed-forward are off
// by more than a hundred times as much, or eight times where there is noise.
func TestTracksDemonstration(t *testing.T) {
	d, arm := demonstrate(t)
	positions := &initial.Demonstration{DQ: 2, Time: d.Time, Position: d.Position}
	feedback := initial.PDConfig{Stiffness: initial.Diagonal([]float64{10, 3}, 2, 2), Damping: initial.Diagonal([]float64{2, 0.4}, 2, 2), Variance: []float64{0.1, 0.01}}
	run := func(d *initial.Demonstration, feed initial.FeedForward, noisy bool) (most float64) {
		ref := resample(t, d, trackT, trackDT)
		c, err := initial.Track(initial.TrackConfig{FeedForward: feed, Model: arm, Feedback: feedback}, ref, 4, 2)
		checkController(t, c, err)
		if err != nil {
			t.Fatal(err)
		}
		most, rms := follow(t, arm, ref, c, noisy)
		t.Logf("%s, velocities %v, noise %v: largest error %.4f rad, rms %.4f rad", feed, d.Velocity != nil, noisy, most, rms)
		return most
	}
	without := run(d, initial.FeedNone, false)
	for _, c := range []struct {
		d     *initial.Demonstration
		feed  initial.FeedForward
		noisy bool
		bound float64
	}{{d, initial.FeedRecorded, false, 0.005}, {d, initial.FeedInverse, false, 0.005}, {positions, initial.FeedInverse, false, 0.005},
		{d, initial.FeedRecorded, true, 0.1}, {positions, initial.FeedInverse, true, 0.1}} {
		if got := run(c.d, c.feed, c.noisy); got > c.bound || without < 100*got && !c.noisy || without < 8*got {
			t.Errorf("%s, noise %v: off by %.4f rad, want at most %v; without feed-forward %.4f", c.feed, c.noisy, got, c.bound, without)
		}
	}
}
