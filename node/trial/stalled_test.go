package trial_test

import (
	"testing"
	"time"

	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/node/trial"
)

// TestStalled: a loop that stood still commands no torque until a person says so, even where faults
// end by themselves; the trial is repeated then.
func TestStalled(t *testing.T) {
	stalled := func(b *bench) trial.Output {
		return b.took(b.machine.Stalled(3*time.Second, time.Second, b.arrival))
	}
	for name, before := range map[string]func(b *bench){
		"in a trial": func(*bench) {},
		"after a fault that ends by itself": func(b *bench) {
			b.took(b.machine.Unreadable(errBad, b.arrival))
			b.wantEvents(trial.Faulted)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, elsewhere, freeRunning)
			b.read()
			c := command(20)
			b.start(c)
			b.until(trial.Started)
			b.tick()
			b.kinds()
			before(b)
			b.wantZero(stalled(b))
			b.wantPhase(trial.Fault)
			if f := b.machine.Fault(); f.Kind != safety.Stalled || f.Duration != 3*time.Second || f.Limit != time.Second {
				t.Errorf("fault %v", f)
			}
			b.kinds()
			for range 3 * b.cfg.Safety.RecoverySteps {
				b.wantZero(b.tick())
				b.wantPhase(trial.Fault)
			}
			if err := b.machine.ResetFault(); err != nil {
				t.Fatal(err)
			}
			b.until(trial.Recovered)
			b.until(trial.Finished)
			b.checkRecord(c)
			// The next fault ends by itself again.
			b.took(b.machine.Unreadable(errBad, b.arrival))
			b.until(trial.Recovered)
		})
	}
}

// TestStalledLeavesWorseFaults: a fault that waits for a person anyway stays the one that is told.
func TestStalledLeavesWorseFaults(t *testing.T) {
	b := newBench(t, elsewhere, freeRunning)
	b.read()
	b.machine.EmergencyStop(true, b.arrival)
	b.wantZero(b.machine.Stalled(3*time.Second, time.Second, b.arrival))
	if f := b.machine.Fault(); f.Kind != safety.EmergencyStop {
		t.Errorf("fault %v", f)
	}
}

// TestStalledWithoutTorque: where nothing was commanded yet, or never will be, nothing happens.
func TestStalledWithoutTorque(t *testing.T) {
	b := newBench(t, elsewhere, freeRunning)
	if out := b.machine.Stalled(3*time.Second, time.Second, 1); out.Publish || b.machine.Phase() != trial.Wait {
		t.Errorf("%+v in phase %v before the first reading", out, b.machine.Phase())
	}
	b.read()
	b.machine.Stop()
	if out := b.machine.Stalled(3*time.Second, time.Second, 1); out.Publish || b.machine.Phase() != trial.Done {
		t.Errorf("%+v in phase %v after the end", out, b.machine.Phase())
	}
}

// TestTwoSourcesWait: while two publishers deliver in turn a reset does not count, and one of them
// alone does not end the fault.
func TestTwoSourcesWait(t *testing.T) {
	b := newBench(t, elsewhere, freeRunning)
	b.read()
	c := command(20)
	b.start(c)
	b.until(trial.Started)
	b.tick()
	b.kinds()
	b.wantZero(b.took(b.machine.TwoSources(b.arrival)))
	b.wantEvents(trial.Faulted)
	if b.machine.ResetFault() == nil {
		t.Error("reset before there was a joint state to trust")
	}
	b.wantZero(b.tick())
	if err := b.machine.ResetFault(); err != nil {
		t.Fatal(err)
	}
	b.wantZero(b.took(b.machine.TwoSources(b.arrival)))
	for range 3 * b.cfg.Safety.RecoverySteps {
		b.wantZero(b.tick())
		b.wantPhase(trial.Fault)
	}
	if f := b.machine.Fault(); f.Kind != safety.TwoSources {
		t.Errorf("fault %v", f)
	}
	if err := b.machine.ResetFault(); err != nil {
		t.Fatal(err)
	}
	b.until(trial.Recovered)
	b.until(trial.Finished)
	b.checkRecord(c)
}
