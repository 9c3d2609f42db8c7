package trial

import (
	"fmt"

	"guidedpolicysearch/hardware/motion"
)

// Abort breaks off the trial that is being reset or run; with the next reading it begins again
// from the reset. The error wraps ErrCommand if there is none.
func (m *Machine) Abort() error {
	if m.phase != Reset && m.phase != Run {
		return fmt.Errorf("%w: there is no trial to break off in phase %v", ErrCommand, m.phase)
	}
	m.beginReset()
	m.settled = -1 // as after Start
	return nil
}

// ResetFault forgets the faults of the current trial, and ends phase Fault with the next
// good reading. The error wraps ErrCommand if there is no fault.
func (m *Machine) ResetFault() error {
	if m.phase != Fault {
		return fmt.Errorf("%w: there is no fault in phase %v", ErrCommand, m.phase)
	}
	m.failed, m.broken = 0, 0
	m.good = max(m.good, m.cfg.Safety.RecoverySteps-1)
	return nil
}

// Configure takes other settings, between trials only: the error wraps ErrCommand in phases
// Reset, Run and Done, and then nothing has changed. LockStep stays as it is.
func (m *Machine) Configure(cfg Config) error {
	switch dU := m.robot.DU(); {
	case m.phase == Reset || m.phase == Run || m.phase == Done:
		return fmt.Errorf("%w: settings cannot change in phase %v", ErrCommand, m.phase)
	case len(cfg.Reset.Stiffness) != dU || len(cfg.Reset.Damping) != dU:
		return fmt.Errorf("%w: reset.stiffness and reset.damping have %d and %d entries, need %d, one per joint", ErrCommand, len(cfg.Reset.Stiffness), len(cfg.Reset.Damping), dU)
	}
	cfg.LockStep = m.cfg.LockStep
	m.cfg = cfg
	m.position = motion.Position{Stiffness: cfg.Reset.Stiffness, Damping: cfg.Reset.Damping}
	m.guard.SetStaleTimeout(cfg.Safety.StaleTimeout)
	return nil
}
