package node

import (
	"errors"
	"fmt"

	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/logging"
	"guidedpolicysearch/node/trial"
)

// attempts go on after faults in a trial of a simulated arm. Where a real one waits for a person, the
// simulator resets it: it puts the arm where the trial begins, which begins again. It would fail in the
// same way, as it depends on nothing but its command; so it has other exploration noise.
type attempts struct {
	bench  *bench
	first  *trial.Command
	faults int  // in this trial
	late   int  // resets in a row that took too long
	due    bool // the arm is put back with the next reading
	fault  safety.Fault
	since  int64 // simulated time in ns after the present fault began, 0 for none
}

// longestFault is how much simulated time in ns a fault may take to end: what keeps it up does not
// change by itself.
const longestFault = 60_000_000_000

// broken takes a fault, the begun-th of those that the trial itself made. The error says that there
// were too many.
func (a *attempts) broken(fault safety.Fault, begun int) error {
	b := a.bench
	a.fault, a.since = fault, b.reading.Stamp+1
	if a.faults++; a.faults >= b.trials.Safety.MaxFaults {
		return fmt.Errorf("%w: %s; that is fault %d in iteration %d, condition %d, sample %d, and safety.max_faults is %d: a smaller algorithm.kl_step or noise.sigma may keep the arm within its limits", ErrGaveUp, fault, a.faults, a.first.Iteration, a.first.Condition, a.first.Sample, b.trials.Safety.MaxFaults)
	}
	if fault.Kind == safety.ResetTimeout {
		if a.late++; a.late >= b.trials.Reset.Attempts {
			return fmt.Errorf("%w: %s; that was once too often (reset.attempts)", ErrGaveUp, fault)
		}
	}
	if b.trials.Safety.Recovery == safety.RecoveryAutomatic && fault.Recoverable() {
		return nil // good readings end it
	}
	again := *a.first
	again.NoiseSeed = learner.RepeatedNoise(a.first.NoiseSeed, begun)
	if _, err := b.machine.Start(&again, b.reading.Stamp+1); err != nil {
		return err
	}
	if err := b.simulated.Place(a.first.InitialPosition, again.NoiseSeed); err != nil {
		return err
	}
	b.velocity.Reset()
	a.due = true
	return nil
}

// resume resets the fault once a reading of the arm is there that was put back, and can be trusted. The
// error says that none comes.
func (a *attempts) resume() error {
	if a.bench.machine.Phase() != trial.Fault {
		a.since = 0
	} else if a.since != 0 && a.bench.reading.Stamp-a.since > longestFault {
		return fmt.Errorf("%w: %s; it has not ended in %d s of simulated time: look at the simulated robot's noise and its settings", ErrGaveUp, a.fault, longestFault/1_000_000_000)
	}
	if !a.due || a.bench.machine.Phase() != trial.Fault {
		return nil
	}
	err := a.bench.machine.ResetFault()
	if errors.Is(err, trial.ErrBlind) {
		return nil
	}
	a.due = false
	return err
}

// broken records what there is of a trial that a fault broke off.
func (b *bench) broken(s *session) error {
	rec := b.machine.TakePartial()
	if rec == nil {
		return nil
	}
	path, err := s.write(b.recorded, rec, b.robot)
	b.machine.ReleasePartial()
	if err != nil {
		return err
	}
	s.note(logging.Warn, "the trial was broken off after %d of %d steps; what there is of it is in %s", rec.Steps, rec.Rollout.T, path)
	return nil
}
