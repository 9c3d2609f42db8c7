package trial_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/node/trial"
)

// planned lets resets keep limits of 0.5 rad/s and 1 rad/s^2.
func planned(c *trial.Config, _ *robotConfig) {
	c.Reset.Stiffness, c.Reset.Damping = []float64{400, 200}, []float64{40, 20}
	c.Reset.VelocityLimit, c.Reset.AccelerationLimit = []float64{0.5, 0.4}, []float64{1, 2}
}

// TestResetKeepsItsLimits measures speed and time of a reset on the arm, with and without a ramp of
// the torque before it.
func TestResetKeepsItsLimits(t *testing.T) {
	for _, ramp := range []time.Duration{0, 500 * time.Millisecond} {
		b := newTimed(t, elsewhere, planned, func(c *trial.Config, _ *robotConfig) { c.Safety.RampTime = ramp })
		b.see()
		b.beat()
		b.start(command(2))
		begin, fastest := b.arrival, make([]float64, 2)
		for b.machine.Phase() != trial.Run {
			b.pass(millisecond)
			b.see()
			b.beat()
			for i, v := range b.reading.Velocity {
				fastest[i] = max(fastest[i], math.Abs(v))
			}
			if b.machine.Phase() == trial.Fault || b.arrival-begin > int64(20*time.Second) {
				t.Fatalf("ramp %v: phase %v, %v", ramp, b.machine.Phase(), b.machine.Fault())
			}
		}
		// The second joint has 1.871 rad to go at 0.4 rad/s, the first 1.856 rad at 0.5 rad/s: the
		// first takes as long as the second.
		second := there[1] - elsewhere[1]
		duration := second/0.4 + 0.4/2
		if fastest[1] > 0.4*1.02 || fastest[1] < 0.4*0.98 {
			t.Errorf("ramp %v: the second joint moved at %v rad/s, its limit is 0.4", ramp, fastest[1])
		}
		if fastest[0] > 0.5*1.02 || fastest[0] < 0.35 {
			t.Errorf("ramp %v: the first joint moved at %v rad/s, its limit is 0.5", ramp, fastest[0])
		}
		if spent := float64(b.arrival-begin)*1e-9 - ramp.Seconds(); spent < duration-0.1 || spent > duration+1 {
			t.Errorf("ramp %v: the reset took %v s, the plan %v s", ramp, spent, duration)
		}
	}
}

// TestNoPlanForAnyNumber: there is no way from a position at the end of all numbers, and no torque
// for one.
func TestNoPlanForAnyNumber(t *testing.T) {
	b := newBench(t, there, freeRunning, planned, reset(time.Second, 9))
	b.blocked = true
	b.reading.Position[0] = math.MaxFloat64
	b.read()
	b.start(command(5))
	for range 30 {
		b.reading.Stamp += b.period
		b.wantZero(b.read())
	}
	if f := b.machine.Fault(); f.Kind != safety.ResetTimeout {
		t.Fatalf("fault %v", f)
	}
	b.blocked = false
	b.until(trial.Recovered)
	b.until(trial.Finished)
}

// TestIntegralRemovesAnOffset: a joint that the position controller's stiffness alone lets sag
// comes to its place by the integral.
func TestIntegralRemovesAnOffset(t *testing.T) {
	for _, integral := range []bool{false, true} {
		b := newTimed(t, there, func(c *trial.Config, _ *robotConfig) {
			c.Reset.Stiffness, c.Reset.Damping = []float64{60, 30}, []float64{15, 6}
			if integral {
				c.Reset.Integral, c.Reset.IntegralClamp = []float64{60, 30}, []float64{2, 2}
			}
		})
		b.see()
		b.beat()
		load := []float64{0.9, -0.6} // N m, which nobody knows of
		for range 15_000 {
			push := []float64{b.torque[0] + load[0], b.torque[1] + load[1]}
			if err := b.sim.Step(push); err != nil {
				t.Fatal(err)
			}
			b.arrival, b.reading.Stamp = b.arrival+millisecond, b.reading.Stamp+millisecond
			b.observe()
			b.see()
			b.beat()
		}
		for i, k := range []float64{60, 30} {
			want := load[i] / k
			if integral {
				want = 0
			}
			if off := b.reading.Position[i] - there[i]; math.Abs(off-want) > 1e-5 {
				t.Errorf("integral %v: joint %d is held %v rad off, want %v", integral, i, off, want)
			}
		}
	}
}

// TestResetSettingsRefused names the parameter.
func TestResetSettingsRefused(t *testing.T) {
	for says, edit := range map[string]func(*trial.ResetConfig){
		"reset.stiffness":           func(r *trial.ResetConfig) { r.Stiffness = nil },
		"reset.damping":             func(r *trial.ResetConfig) { r.Damping = []float64{1} },
		"reset.integral:":           func(r *trial.ResetConfig) { r.Integral, r.IntegralClamp = []float64{1}, []float64{1, 1} },
		"reset.integral_clamp":      func(r *trial.ResetConfig) { r.Integral = []float64{1, 1} },
		"reset.velocity_limit: has": func(r *trial.ResetConfig) { r.VelocityLimit = []float64{1, 2, 3} },
		"reset.acceleration_limit":  func(r *trial.ResetConfig) { r.VelocityLimit = []float64{1, 2} },
		"[1] is 0": func(r *trial.ResetConfig) {
			r.VelocityLimit, r.AccelerationLimit = []float64{1, 0}, []float64{1, 1}
		},
		"[0] is 1, and reset.acceleration_limit NaN": func(r *trial.ResetConfig) {
			r.VelocityLimit, r.AccelerationLimit = []float64{1, 1}, []float64{math.NaN(), 1}
		},
	} {
		if _, err := tryMachine(func(c *trial.Config, _ *robotConfig) { edit(&c.Reset) }); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", says, err)
		}
	}
}

// TestConfigureTakesSafetyOver: what a parameter says that can change between trials is so from
// then on.
func TestConfigureTakesSafetyOver(t *testing.T) {
	b := in(t, trial.Hold, freeRunning)
	cfg := b.cfg
	set := func() {
		t.Helper()
		if err := b.machine.Configure(cfg); err != nil {
			t.Fatal(err)
		}
	}
	cfg.Safety.Recovery, cfg.Safety.RecoverySteps, cfg.Safety.MaxFaults = safety.RecoveryManual, 3, 2
	set()
	b.start(command(20))
	b.until(trial.Started)
	b.took(b.machine.Unreadable(errBad, b.arrival))
	b.wantEvents(trial.Faulted)
	for range 30 {
		b.tick()
	}
	b.wantPhase(trial.Fault)
	cfg.Safety.Recovery = safety.RecoveryAutomatic
	set()
	b.tick()
	b.wantEvents(trial.Recovered)
	b.until(trial.Started)
	b.took(b.machine.Unreadable(errBad, b.arrival))
	b.wantEvents(trial.Faulted, trial.GaveUp)
	for range 3 {
		b.wantPhase(trial.Fault)
		b.tick()
	}
	b.wantEvents(trial.Recovered)
}

// TestConfigureRefuses what the safety filter, the position controller and the loop were built with,
// and values that cannot be.
func TestConfigureRefuses(t *testing.T) {
	b := in(t, trial.Hold, freeRunning)
	for name, edit := range map[string]func(*trial.Config){
		"on_fault":     func(c *trial.Config) { c.Safety.OnFault = safety.OnFaultHold },
		"filter":       func(c *trial.Config) { c.Safety.Filter = safety.FilterNever },
		"slew":         func(c *trial.Config) { c.Safety.SlewLimit = []float64{1, 1} },
		"stiffness":    func(c *trial.Config) { c.Reset.Stiffness = []float64{1, 1} },
		"timer":        func(c *trial.Config) { c.Loop.DrivenBy = trial.ByTimer },
		"noise":        func(c *trial.Config) { c.Noise.Sigma = 9 },
		"no time-out":  func(c *trial.Config) { c.Safety.StaleTimeout = 0 },
		"no faults":    func(c *trial.Config) { c.Safety.MaxFaults = 0 },
		"no recovery":  func(c *trial.Config) { c.Safety.Recovery = "never" },
		"missed":       func(c *trial.Config) { c.Safety.MissedInARow = 7 },
		"reset limits": func(c *trial.Config) { c.Reset.VelocityLimit = []float64{1, 1} },
	} {
		cfg := b.cfg
		cfg.Reset.Stiffness = slices.Clone(cfg.Reset.Stiffness)
		edit(&cfg)
		if err := b.machine.Configure(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	cfg := b.cfg
	cfg.LockStep = true // of the robot, which has shown whether it waits
	cfg.Reset.Timeout, cfg.Reset.Attempts = time.Hour, 7
	cfg.Reset.Stiffness = slices.Clone(cfg.Reset.Stiffness)
	if err := b.machine.Configure(cfg); err != nil {
		t.Error(err)
	}
}

// TestResetTimeoutNamesTheJoint that is farthest from its initial position.
func TestResetTimeoutNamesTheJoint(t *testing.T) {
	for i, name := range []string{"joint1", "joint2"} {
		q := slices.Clone(there)
		q[i] -= 0.25
		b := newBench(t, q, freeRunning, reset(time.Second, 3))
		b.blocked = true
		b.read()
		b.start(command(2))
		if f := b.until(trial.Faulted).Fault; f.Name != name || f.Joint != i || math.Abs(f.Value-0.25) > 1e-12 {
			t.Errorf("fault %+v, want joint %q, 0.25 rad off", f, name)
		}
	}
}
