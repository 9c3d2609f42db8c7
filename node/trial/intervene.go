package trial

import (
	"fmt"
	"reflect"

	"guidedpolicysearch/hardware/safety"
)

// Abort breaks off the trial that is being reset or run; with the next reading it begins again
// from the reset, or as RepeatByStart has it. The error wraps ErrCommand if there is none.
func (m *Machine) Abort() error {
	if m.phase != Reset && m.phase != Run {
		return fmt.Errorf("%w: there is no trial to break off in phase %v", ErrCommand, m.phase)
	}
	m.begin()
	m.settled = -1 // as after Start
	return nil
}

// Placed says, after Settled, that what is around the arm is where the trial begins; it begins when
// the arm has settled again. The error wraps ErrCommand if nothing waits for it. arrival is the
// steady clock in ns.
func (m *Machine) Placed(arrival int64) (Output, error) {
	if !m.awaitsScene() {
		return Output{}, fmt.Errorf("%w: no trial waits for its scene", ErrCommand)
	}
	m.placed, m.settled, m.resetStart = true, -1, m.time
	if !m.open {
		return Output{}, nil
	}
	m.interval = 0
	return m.act(arrival), nil
}

// Replaced is Placed for an arm that was itself put where the trial begins, by what simulates it,
// with its next joint state. What the machine remembers of the arm is forgotten with that: from
// there on no torque depends on what was before.
func (m *Machine) Replaced(arrival int64) (Output, error) {
	if !m.awaitsScene() {
		return m.Placed(arrival)
	}
	anew, err := newFilter(m.cfg, m.robot)
	if err != nil {
		return Output{}, err // not of a configuration that the machine was made from
	}
	out, err := m.Placed(arrival)
	m.anew = anew
	return out, err
}

// forget begins the reset anew, with the first reading of an arm that was replaced.
func (m *Machine) forget() {
	m.anew.EmergencyStop(m.filter.Stopped())
	m.filter, m.anew = m.anew, nil
	m.usual, m.lost, m.interval = intervals{}, 0, 0
	m.settled, m.resetStart = 0, m.time
	m.reach.begin(m.reading, m.command.InitialPosition, m.time)
}

// ResetFault ends phase Fault with the next good reading, and forgets the faults of the current
// trial. The error wraps ErrCommand if there is no fault, or is safety.ErrEmergencyStop, or ErrBlind
// while there are no readings to trust: nobody can say now that the arm may move once they are back.
func (m *Machine) ResetFault() error {
	if m.phase != Fault {
		return fmt.Errorf("%w: there is no fault in phase %v", ErrCommand, m.phase)
	}
	if m.filter.Stopped() {
		return safety.ErrEmergencyStop
	}
	if m.blind {
		return ErrBlind
	}
	m.failed, m.broken = 0, 0
	m.forgive = true
	return nil
}

// Relax lets go of the arm: from the next reading on it gets no torque but what holds it
// against gravity, if that is compensated here. A trial is broken off and begins again after
// Resume; nothing else takes hold of the arm, the end of a fault neither. The error wraps
// ErrCommand in phases Fault and Done.
func (m *Machine) Relax() error {
	if m.phase == Fault || m.phase == Done {
		return fmt.Errorf("%w: the arm cannot be relaxed in phase %v", ErrCommand, m.phase)
	}
	m.phase, m.relaxed = Relax, true
	return nil
}

// Resume ends phase Relax. The error wraps ErrCommand in any other phase.
func (m *Machine) Resume() error {
	if m.phase != Relax {
		return fmt.Errorf("%w: the arm is not relaxed in phase %v", ErrCommand, m.phase)
	}
	m.relaxed = false
	if m.arrival == 0 {
		m.phase = Wait // it is not known where the arm is
		return nil
	}
	m.filter.Start()
	m.begin()
	return nil
}

// Configure takes over, between trials, the settings whose parameters can change then: timeout
// and attempts of the reset, and stale_timeout, max_faults, recovery and recovery_steps of
// safety. The error wraps ErrCommand in phases Reset, Run and Done, where other settings differ,
// and where the values cannot be; then nothing has changed. LockStep stays as it is.
func (m *Machine) Configure(cfg Config) error {
	if m.phase == Reset || m.phase == Run || m.phase == Done {
		return fmt.Errorf("%w: settings cannot change in phase %v", ErrCommand, m.phase)
	}
	next := m.cfg
	next.Reset.Timeout, next.Reset.Attempts = cfg.Reset.Timeout, cfg.Reset.Attempts
	next.Safety.StaleTimeout, next.Safety.MaxFaults = cfg.Safety.StaleTimeout, cfg.Safety.MaxFaults
	next.Safety.Recovery, next.Safety.RecoverySteps = cfg.Safety.Recovery, cfg.Safety.RecoverySteps
	cfg.LockStep = m.cfg.LockStep
	if !reflect.DeepEqual(cfg, next) {
		return fmt.Errorf("%w: other settings than reset.timeout and attempts, and safety.stale_timeout, max_faults, recovery and recovery_steps, do not change between trials: configure the node again", ErrCommand)
	}
	if err := next.Safety.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrCommand, err)
	}
	m.cfg = next
	m.guard.SetStaleTimeout(next.Safety.StaleTimeout)
	return nil
}
