package trial_test

import (
	"errors"
	"testing"
	"time"

	"guidedpolicysearch/node/trial"
)

// in brings a bench into a phase.
func in(t *testing.T, phase trial.Phase, settings ...setting) *bench {
	t.Helper()
	b := newBench(t, elsewhere, settings...)
	if phase != trial.Wait {
		b.read()
	}
	if phase == trial.Reset || phase == trial.Run {
		b.start(command(10))
	}
	for phase == trial.Run && b.machine.Phase() != phase {
		b.tick()
	}
	switch phase {
	case trial.Fault:
		b.took(b.machine.Unreadable(errBad, b.arrival))
	case trial.Done:
		b.took(b.machine.Stop())
	}
	b.wantPhase(phase)
	return b
}

var phases = []trial.Phase{trial.Wait, trial.Hold, trial.Reset, trial.Run, trial.Fault, trial.Done}

// TestAbort breaks a trial off: it begins again with the reset and goes through whole.
func TestAbort(t *testing.T) {
	for name, settings := range map[string][]setting{"lock step": nil, "free": {freeRunning}} {
		for _, phase := range phases {
			b := in(t, phase, settings...)
			b.kinds()
			err := b.machine.Abort()
			if phase != trial.Reset && phase != trial.Run {
				if !errors.Is(err, trial.ErrCommand) {
					t.Errorf("%s, phase %v: %v, want ErrCommand", name, phase, err)
				}
				b.wantPhase(phase)
				continue
			}
			if err != nil {
				t.Fatalf("%s, phase %v: %v", name, phase, err)
			}
			b.wantPhase(trial.Reset)
			b.until(trial.Started)
			b.until(trial.Finished)
			b.checkRecord(b.machine.Record().Command)
		}
	}
}

// TestResetFault ends a fault with the next good reading, whatever recovery_steps says.
func TestResetFault(t *testing.T) {
	for _, phase := range phases {
		b := in(t, phase, func(c *trial.Config, _ *robotConfig) { c.Safety.RecoverySteps = 1000 })
		b.kinds()
		err := b.machine.ResetFault()
		if phase != trial.Fault {
			if !errors.Is(err, trial.ErrCommand) {
				t.Errorf("phase %v: %v, want ErrCommand", phase, err)
			}
			continue
		}
		if !errors.Is(err, trial.ErrBlind) {
			t.Errorf("no reading can be trusted: %v, want ErrBlind", err)
		}
		for range 2 {
			b.tick()
			if err := b.machine.ResetFault(); err != nil {
				t.Fatal(err)
			}
			b.wantPhase(trial.Fault) // until there is another good reading
			b.took(b.machine.Unreadable(errBad, b.arrival))
			b.wantPhase(trial.Fault)
		}
		b.tick()
		b.wantPhase(trial.Fault) // what came after the reset counts anew
		if err := b.machine.ResetFault(); err != nil {
			t.Fatal(err)
		}
		b.tick()
		b.wantPhase(trial.Hold)
		b.wantEvents(trial.Recovered)
	}
}

// TestResetFaultForgets lets a trial have as many faults again before the run is given up.
func TestResetFaultForgets(t *testing.T) {
	b := in(t, trial.Reset, func(c *trial.Config, _ *robotConfig) { c.Safety.MaxFaults, c.Safety.RecoverySteps = 3, 2 })
	for i := range 9 {
		b.took(b.machine.Unreadable(errBad, b.arrival))
		if i%2 == 1 {
			b.tick()
			if err := b.machine.ResetFault(); err != nil {
				t.Fatal(err)
			}
		}
		b.tick()
	}
	for _, k := range b.kinds() {
		if k == trial.GaveUp {
			t.Fatal("gave up although the faults were reset")
		}
	}
}

// TestConfigure changes settings between trials, and only then.
func TestConfigure(t *testing.T) {
	for _, phase := range phases {
		b := in(t, phase, freeRunning)
		cfg := b.cfg
		cfg.Safety.StaleTimeout = 60 * time.Millisecond
		cfg.Safety.RecoverySteps = 2
		err := b.machine.Configure(cfg)
		if between := phase == trial.Wait || phase == trial.Hold || phase == trial.Fault; !between {
			if !errors.Is(err, trial.ErrCommand) {
				t.Errorf("phase %v: %v, want ErrCommand", phase, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("phase %v: %v", phase, err)
		}
		if phase != trial.Hold {
			continue
		}
		b.wantZero(b.took(b.machine.Watch(b.arrival + int64(61*time.Millisecond))))
		b.tick()
		b.wantPhase(trial.Fault)
		b.tick()
		b.wantPhase(trial.Hold)
	}
	b := in(t, trial.Hold)
	cfg := b.cfg
	cfg.Reset.Damping = []float64{1}
	if err := b.machine.Configure(cfg); !errors.Is(err, trial.ErrCommand) {
		t.Errorf("one damping for two joints: %v, want ErrCommand", err)
	}
}
