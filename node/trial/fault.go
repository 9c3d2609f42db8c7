package trial

import (
	"time"

	"guidedpolicysearch/hardware/safety"
)

// fail latches a fault and answers with the torque that is due then: what the filter's
// response to it is, or none where the readings cannot be trusted.
func (m *Machine) fail(fault safety.Fault, arrival int64) Output {
	m.latch(fault)
	return m.respond(arrival)
}

// respond answers in phase Fault.
func (m *Machine) respond(arrival int64) Output {
	if !m.blind {
		return m.publish(m.none, safety.Position, arrival)
	}
	m.out = m.filter.Blind()
	m.open, m.answeredAt = false, arrival
	return Output{Torque: m.out, Publish: true}
}

// latch enters phase Fault, or stays there. There, a fault that waits for a person takes the
// place of one that does not; a reset from before any of them does not count.
func (m *Machine) latch(fault safety.Fault) {
	m.good, m.blind, m.forgive = 0, m.blind || fault.Blind(), false
	if fault.Kind == safety.Silent || fault.Kind == safety.Backwards {
		m.heard = false // it may be another robot from now on
	}
	m.filter.Trip(fault)
	if m.phase != Fault {
		m.enter(fault)
	}
	if !fault.Recoverable() && m.fault.Recoverable() {
		m.fault = fault
	}
}

// enter begins phase Fault; the filter has latched the fault.
func (m *Machine) enter(fault safety.Fault) {
	if m.phase == Run {
		m.breakOff(fault)
	}
	m.phase, m.fault, m.good, m.forgive = Fault, fault, 0, false
	m.faults++
	m.emit(Event{Kind: Faulted, Fault: fault})
	if m.broken++; m.broken >= m.cfg.Safety.MaxFaults && m.command != nil {
		m.emit(Event{Kind: GaveUp, Fault: fault})
	}
}

// over counts good readings in phase Fault and tells whether the fault has ended: it was reset,
// or is one that ends by itself.
func (m *Machine) over() bool {
	if !m.fresh {
		return false
	}
	m.good++
	recovers := m.cfg.Safety.Recovery == safety.RecoveryAutomatic && m.fault.Recoverable() && m.good >= m.cfg.Safety.RecoverySteps
	return (m.forgive || recovers) && m.filter.Reset() == nil
}

// Trip latches a fault from outside the loop, and answers with the torque that is due then.
func (m *Machine) Trip(fault safety.Fault, now int64) Output {
	if m.phase == Done {
		return Output{}
	}
	if m.arrival == 0 {
		m.latch(fault)
		return Output{}
	}
	m.interval = 0 // between two ticks
	return m.fail(fault, now)
}

// EmergencyStop latches the fault of a stop that is pressed; it cannot be reset before it is
// released.
func (m *Machine) EmergencyStop(pressed bool, now int64) Output {
	m.filter.EmergencyStop(pressed)
	if !pressed {
		return Output{}
	}
	return m.Trip(safety.Fault{Kind: safety.EmergencyStop}, now)
}

// Stalled latches the fault of a control loop that stood still for longer than it may, by the clock
// of the arrivals: what it knew is old, and somebody else may have commanded the arm. It waits for a
// person, whatever safety.recovery says. Before the first reading, when there was no torque, nothing
// happens.
func (m *Machine) Stalled(stood, limit time.Duration, now int64) Output {
	if m.phase == Wait || m.phase == Done {
		return Output{}
	}
	m.interval = 0
	return m.fail(safety.Fault{Kind: safety.Stalled, Duration: stood, Limit: limit}, now)
}
