package trial_test

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/node/trial"
)

// TestRelax lets go of the arm in every phase, and takes hold of it again where it is.
func TestRelax(t *testing.T) {
	for _, phase := range phases {
		b := in(t, phase, freeRunning)
		b.kinds()
		err := b.machine.Relax()
		if phase == trial.Fault || phase == trial.Done {
			if !errors.Is(err, trial.ErrCommand) {
				t.Errorf("phase %v: %v, want ErrCommand", phase, err)
			}
			b.wantPhase(phase)
			continue
		}
		for range 2 { // relaxing twice is harmless
			if err != nil {
				t.Fatalf("phase %v: %v", phase, err)
			}
			b.wantPhase(trial.Relax)
			for range 5 {
				b.reading.Position[0] += 0.1 // somebody moves the arm
				b.reading.Stamp += b.period
				b.wantZero(b.read())
				b.wantPhase(trial.Relax)
			}
			err = b.machine.Relax()
		}
		if err := b.machine.Abort(); !errors.Is(err, trial.ErrCommand) {
			t.Errorf("phase %v: a trial was broken off of a relaxed arm: %v", phase, err)
		}
		// What the arm's position is now is held, or the trial begins again.
		b.newArm([]float64{1, 0.5})
		b.tick()
		if err := b.machine.Resume(); err != nil {
			t.Fatal(err)
		}
		if phase == trial.Reset || phase == trial.Run {
			b.wantPhase(trial.Reset)
			b.until(trial.Started)
			b.until(trial.Finished)
			b.checkRecord(b.machine.Command())
			continue
		}
		b.wantPhase(trial.Hold)
		for range 50 {
			b.tick()
		}
		if q := b.reading.Position; math.Abs(q[0]-1) > 1e-6 || math.Abs(q[1]-0.5) > 1e-6 {
			t.Errorf("relaxed in phase %v and held again: the arm is at %v", phase, q)
		}
	}
}

func TestResumeNeedsARelaxedArm(t *testing.T) {
	for _, phase := range phases {
		b := in(t, phase)
		if err := b.machine.Resume(); !errors.Is(err, trial.ErrCommand) {
			t.Errorf("phase %v: %v, want ErrCommand", phase, err)
		}
		b.wantPhase(phase)
	}
}

// TestRelaxBeforeTheFirstReading: as long as nobody knows where the arm is, there is no place to
// hold it at.
func TestRelaxBeforeTheFirstReading(t *testing.T) {
	for _, settings := range [][]setting{{freeRunning}, {byTimer}} {
		b := newBench(t, elsewhere, settings...)
		if err := b.machine.Relax(); err != nil {
			t.Fatal(err)
		}
		if err := b.machine.Resume(); err != nil {
			t.Fatal(err)
		}
		b.wantPhase(trial.Wait)
		if b.cfg.Loop.DrivenBy == trial.ByTimer {
			b.see()
			b.wantZero(b.beat())
		} else {
			b.wantZero(b.read()) // it is where it should be
		}
		b.wantPhase(trial.Hold)
	}
}

// TestFaultOfARelaxedArm: whatever happens meanwhile, nothing but Resume takes hold of an arm that
// somebody has their hands on.
func TestFaultOfARelaxedArm(t *testing.T) {
	for _, in := range injections() {
		if in.phases != nil {
			continue
		}
		b := newBench(t, elsewhere, freeRunning)
		b.read()
		c := command(5)
		b.start(c)
		b.until(trial.Started)
		if err := b.machine.Relax(); err != nil {
			t.Fatal(err)
		}
		b.tick()
		in.inject(b)
		b.wantPhase(trial.Fault)
		for range 3 * b.cfg.Safety.RecoverySteps {
			b.wantZero(b.tick())
		}
		b.wantPhase(trial.Relax)
		b.wantEvents(trial.Faulted, trial.Recovered)
		if err := b.machine.Resume(); err != nil {
			t.Fatal(err)
		}
		b.until(trial.Finished)
		b.checkRecord(c)
	}
}

// TestRelaxInLockStep: the robot that waits for an answer gets one, and a trial that was started
// meanwhile begins when the arm is not relaxed any more.
func TestRelaxInLockStep(t *testing.T) {
	for _, answered := range []bool{true, false} {
		b := newBench(t, elsewhere)
		b.read()
		b.oneTrial(t)
		if err := b.machine.Relax(); err != nil {
			t.Fatal(err)
		}
		c := command(5)
		if out := b.start(c); out.Publish {
			t.Error("Start answered for a relaxed arm")
		}
		b.wantPhase(trial.Relax)
		if answered {
			b.wantZero(b.read()) // the robot repeats what Hold has left open
			if out := b.read(); out.Publish {
				t.Fatal("the same joint state was answered twice")
			}
			b.wantZero(b.tick())
		}
		if err := b.machine.Resume(); err != nil {
			t.Fatal(err)
		}
		b.wantPhase(trial.Reset)
		if !answered {
			if out := b.read(); !out.Publish {
				t.Fatal("the robot waits for an answer for ever")
			}
		}
		b.until(trial.Started)
		b.until(trial.Finished)
		b.checkRecord(c)
		for _, e := range b.events {
			if e.Kind == trial.Unpaced {
				t.Error("the robot is said not to wait")
			}
		}
	}
}

// oneTrial runs a short trial, so that the robot has heard answers before.
func (b *bench) oneTrial(t *testing.T) {
	t.Helper()
	b.start(command(3))
	b.until(trial.Started)
	b.until(trial.Finished)
	b.wantPhase(trial.Hold)
}

// TestEmergencyStop presses the stop in every phase: the torque is zero at once, and stays so until
// the stop is released and a person has reset the fault, in this order.
func TestEmergencyStop(t *testing.T) {
	for _, phase := range append(phases, trial.Relax) {
		b := newBench(t, elsewhere, freeRunning)
		if phase == trial.Relax {
			b = in(t, trial.Hold, freeRunning)
			if err := b.machine.Relax(); err != nil {
				t.Fatal(err)
			}
		} else {
			b = in(t, phase, freeRunning)
		}
		out := b.took(b.machine.EmergencyStop(true, b.arrival))
		if phase == trial.Done {
			if out.Publish {
				t.Error("a stopped machine published")
			}
			continue
		}
		b.wantPhase(trial.Fault)
		if out.Publish != (phase != trial.Wait) {
			t.Errorf("phase %v: published %v", phase, out.Publish)
		}
		if f := b.machine.Fault(); f.Kind != safety.EmergencyStop {
			t.Errorf("phase %v: fault %v", phase, f)
		}
		for range 3 * b.cfg.Safety.RecoverySteps {
			b.wantZero(b.tick())
		}
		if err := b.machine.ResetFault(); !errors.Is(err, safety.ErrEmergencyStop) {
			t.Errorf("phase %v: reset while pressed: %v", phase, err)
		}
		if out := b.machine.EmergencyStop(false, b.arrival); out.Publish {
			t.Error("releasing published a torque")
		}
		for range 3 * b.cfg.Safety.RecoverySteps {
			b.wantZero(b.tick())
		}
		b.wantPhase(trial.Fault)
		if err := b.machine.ResetFault(); err != nil {
			t.Fatal(err)
		}
		// A reset from before another press does not count.
		b.wantZero(b.took(b.machine.EmergencyStop(true, b.arrival)))
		b.machine.EmergencyStop(false, b.arrival)
		for range 3 * b.cfg.Safety.RecoverySteps {
			b.wantZero(b.tick())
		}
		if err := b.machine.ResetFault(); err != nil {
			t.Fatal(err)
		}
		b.kinds()
		b.tick()
		b.wantEvents(trial.Recovered)
	}
}

// TestEmergencyStopInAFault: a stop that is pressed in a fault that would end by itself keeps it
// from ending.
func TestEmergencyStopInAFault(t *testing.T) {
	b := in(t, trial.Fault, freeRunning)
	b.wantZero(b.took(b.machine.EmergencyStop(true, b.arrival)))
	b.machine.EmergencyStop(false, b.arrival)
	for range 3 * b.cfg.Safety.RecoverySteps {
		b.wantZero(b.tick())
	}
	b.wantPhase(trial.Fault)
	if f := b.machine.Fault(); f.Kind != safety.EmergencyStop {
		t.Errorf("fault %v", f)
	}
}

// TestTrip latches faults from outside of the loop.
func TestTrip(t *testing.T) {
	for _, kind := range []safety.FaultKind{safety.LearnerSilent, safety.ControllerInactive} {
		b := in(t, trial.Run, freeRunning)
		b.kinds()
		b.wantZero(b.took(b.machine.Trip(safety.Fault{Kind: kind, Name: "effort"}, b.arrival)))
		b.wantEvents(trial.Faulted)
		for range 3 * b.cfg.Safety.RecoverySteps {
			b.wantZero(b.tick())
		}
		b.wantPhase(trial.Fault)
		if err := b.machine.ResetFault(); err != nil {
			t.Fatal(err)
		}
		b.until(trial.Recovered)
		b.until(trial.Finished)
		b.checkRecord(b.machine.Command())
	}
}

// TestManualRecovery: with recovery manual no fault ends before a person has reset it.
func TestManualRecovery(t *testing.T) {
	for _, in := range injections() {
		b := newBench(t, elsewhere, freeRunning, manually)
		b.read()
		b.start(command(50))
		b.until(trial.Started)
		b.tick()
		b.kinds()
		in.inject(b)
		for range 100 {
			b.wantZero(b.tick())
			b.wantPhase(trial.Fault)
		}
		b.wantEvents(trial.Faulted)
		if err := b.machine.ResetFault(); err != nil {
			t.Fatal(err)
		}
		b.tick()
		b.wantEvents(trial.Recovered)
	}
}

func answer(kind string) setting {
	return func(c *trial.Config, _ *robotConfig) { c.Safety.OnFault = kind }
}

// TestHeldInAFault: the arm is held where the fault was, but only as long as readings tell
// where it is, whoever drives the loop.
func TestHeldInAFault(t *testing.T) {
	zero := func(v []float64) bool { return !slices.ContainsFunc(v, func(v float64) bool { return v != 0 }) }
	for name, drive := range map[string]setting{"joint states": freeRunning, "timer": byTimer} {
		b := newBench(t, elsewhere, drive, answer(safety.OnFaultHold), manually)
		next := func(offset float64) []float64 {
			b.reading.Stamp, b.arrival = b.reading.Stamp+millisecond, b.arrival+millisecond
			b.reading.Position[0] = elsewhere[0] + offset
			b.untrue = b.untrue && offset-offset != 0
			var out trial.Output
			if name == "timer" {
				b.machine.Observe(b.reading, b.arrival, 0)
				out = b.beat()
			} else {
				out = b.took(b.machine.Reading(b.reading, b.arrival, 0))
			}
			if !out.Publish {
				t.Fatalf("%s: no answer", name)
			}
			return slices.Clone(out.Torque.Values())
		}
		next(0)
		b.took(b.machine.Trip(safety.Fault{Kind: safety.LearnerSilent}, b.arrival))
		if got := next(0.1)[0]; math.Abs(got+0.6) > 1e-9 {
			t.Errorf("%s: 0.1 rad off, a stiffness of 6 N m/rad gives %v N m", name, got)
		}
		b.untrue = true
		if got := next(math.NaN()); !zero(got) {
			t.Errorf("%s: torque %v after a reading that is not finite", name, got)
		}
		if name == "timer" {
			if out := b.beat(); !zero(out.Torque.Values()) {
				t.Errorf("torque %v while there is no good reading", out.Torque.Values())
			}
		}
		if out := b.took(b.machine.EmergencyStop(true, b.arrival)); !zero(out.Torque.Values()) {
			t.Errorf("%s: torque %v by an old reading", name, out.Torque.Values())
		}
		if got := next(0.1)[0]; math.Abs(got+0.6) > 1e-9 {
			t.Errorf("%s: held again with %v N m", name, got)
		}
		b.untrue = true
		b.arrival += int64(b.cfg.Safety.StaleTimeout) + 1
		out := trial.Output{}
		if name == "timer" {
			out = b.beat()
		} else {
			out = b.took(b.machine.Watch(b.arrival))
		}
		b.wantZero(out)
		if again := b.machine.Watch(b.arrival + 1); name != "timer" && again.Publish {
			t.Error("silence was answered twice")
		}
		if f := b.machine.Fault(); f.Kind != safety.LearnerSilent {
			t.Errorf("%s: the fault became %v", name, f)
		}
	}
}

// TestIntegralDoesNotWindUpInAGap: what passed while there were no readings is not integrated.
func TestIntegralDoesNotWindUpInAGap(t *testing.T) {
	b := newBench(t, elsewhere, freeRunning, func(c *trial.Config, _ *robotConfig) {
		c.Reset.Integral, c.Reset.IntegralClamp = []float64{100, 100}, []float64{50, 50}
		c.Safety.RecoverySteps = 1
	})
	b.read()
	b.start(command(5))
	b.arrival += int64(2 * time.Second)
	b.took(b.machine.Watch(b.arrival))
	b.reading.Stamp += int64(2 * time.Second)
	out := b.took(b.machine.Reading(b.reading, b.arrival, 0))
	b.wantPhase(trial.Reset)
	for i, k := range []float64{6, 1} {
		if want := k * (there[i] - elsewhere[i]); math.Abs(out.Torque.Values()[i]-want) > 1e-9 {
			t.Errorf("joint %d: torque %v after a gap, the stiffness alone gives %v", i, out.Torque.Values()[i], want)
		}
	}
}

// TestTripKeepsTheSlewLimit: a fault from outside comes between two ticks, with no time of its own.
func TestTripKeepsTheSlewLimit(t *testing.T) {
	b := newTimed(t, elsewhere, answer(safety.OnFaultDamp), func(c *trial.Config, _ *robotConfig) { c.Safety.SlewLimit = []float64{100, 100} })
	b.see()
	b.beat()
	b.start(command(20))
	for range 100 {
		b.pass(millisecond)
		b.see()
		b.beat()
	}
	before := slices.Clone(b.torque)
	if math.Abs(before[0]) < 1 {
		t.Fatalf("torque %v: the test shows nothing", before)
	}
	for range 5 {
		b.took(b.machine.EmergencyStop(true, b.arrival))
		if !slices.Equal(b.torque, before) {
			t.Fatalf("the torque went from %v to %v in no time", before, b.torque)
		}
	}
	for b.torque[0] != 0 {
		copy(before, b.torque)
		b.pass(millisecond)
		b.see()
		b.beat()
		if d := math.Abs(b.torque[0] - before[0]); d > 0.1+1e-9 {
			t.Fatalf("the torque changed by %v N m in 1 ms, the limit is 0.1", d)
		}
		if math.Abs(b.torque[0]) >= math.Abs(before[0]) {
			break // against the joint's motion by now
		}
	}
}
