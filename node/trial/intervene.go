package trial

import (
	"fmt"

	"guidedpolicysearch/hardware/safety"
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

// ResetFault ends phase Fault with the next good reading, and forgets the faults of the current
// trial. The error wraps ErrCommand if there is no fault, or is safety.ErrEmergencyStop.
func (m *Machine) ResetFault() error {
	if m.phase != Fault {
		return fmt.Errorf("%w: there is no fault in phase %v", ErrCommand, m.phase)
	}
	if m.filter.Stopped() {
		return safety.ErrEmergencyStop
	}
	m.failed, m.broken = 0, 0
	m.forgive = true
	return nil
}

// Relax lets go of the arm: from the next reading on it gets no torque but what holds it
// against gravity, if that is compensated here. A trial is broken off and begins again after
// Resume. The error wraps ErrCommand in phases Fault and Done.
func (m *Machine) Relax() error {
	switch m.phase {
	case Fault, Done:
		return fmt.Errorf("%w: the arm cannot be relaxed in phase %v", ErrCommand, m.phase)
	case Relax:
		return nil
	}
	m.phase = Relax
	return nil
}

// Resume ends phase Relax. The error wraps ErrCommand in any other phase.
func (m *Machine) Resume() error {
	if m.phase != Relax {
		return fmt.Errorf("%w: the arm is not relaxed in phase %v", ErrCommand, m.phase)
	}
	m.filter.Start()
	m.begin()
	return nil
}

// Configure takes other settings, between trials only: the error wraps ErrCommand in phases
// Reset, Run and Done, and then nothing has changed. LockStep stays as it is.
func (m *Machine) Configure(cfg Config) error {
	if m.phase == Reset || m.phase == Run || m.phase == Done {
		return fmt.Errorf("%w: settings cannot change in phase %v", ErrCommand, m.phase)
	}
	cfg.LockStep = m.cfg.LockStep
	if err := cfg.suit(m.robot.DU()); err != nil {
		return fmt.Errorf("%w: %w", ErrCommand, err)
	}
	reach, err := newReach(cfg.Reset, m.robot.DU())
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCommand, err)
	}
	m.cfg, m.reach = cfg, reach
	m.guard.SetStaleTimeout(cfg.Safety.StaleTimeout)
	return nil
}
