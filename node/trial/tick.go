package trial

import (
	"time"

	"guidedpolicysearch/hardware"
	"guidedpolicysearch/hardware/motion"
	"guidedpolicysearch/hardware/safety"
)

// resendAfter is how long a robot in lock step may go on repeating its first joint state
// before the answer is sent again: it may have joined too late for the first. A robot that
// has heard one answer hears all, and a second one would be taken for the next step.
const resendAfter = 500 * time.Millisecond

// Reading takes a joint state and answers it, where those drive the loop. arrival is a steady
// clock in ns, now the ROS time in ns or 0 where it is not known.
func (m *Machine) Reading(s *hardware.JointState, arrival, now int64) Output {
	if m.phase == Done {
		return Output{}
	}
	m.ticks++
	before := m.reading.Stamp
	fresh, fault := m.take(s, arrival, now)
	if fault.Kind != safety.NoFault {
		return m.fail(fault, arrival)
	}
	if !fresh {
		if m.open && m.phase != Hold && !m.awaitsScene() {
			m.interval = 0
			return m.act(arrival) // the robot still waits for this answer
		}
		if m.cfg.LockStep && !m.heard && m.answeredAt != 0 && arrival-m.answeredAt > int64(resendAfter) {
			m.answeredAt = arrival
			return Output{Torque: m.out, Publish: true}
		}
		return Output{}
	}
	m.heard = m.heard || m.answeredAt != 0
	m.time, m.interval = s.Stamp, 0
	if m.ticked != 0 {
		m.interval = s.Stamp - before
	}
	m.ticked = arrival
	return m.act(arrival)
}

// Observe takes a joint state without answering it, where a timer drives the loop. A message that
// is no joint state goes to Unreadable, and one of another source to TwoSources, whose outputs may be
// left to the next Tick.
func (m *Machine) Observe(s *hardware.JointState, arrival, now int64) {
	if m.phase == Done {
		return
	}
	if _, fault := m.take(s, arrival, now); fault.Kind != safety.NoFault {
		m.latch(fault)
	}
}

// Tick answers the latest reading, where a timer drives the loop. now is the clock of the
// arrivals; missed is how many ticks before it did not come at all.
func (m *Machine) Tick(now int64, missed int) Output {
	if m.phase == Done || m.arrival == 0 {
		return Output{}
	}
	m.ticks++
	m.time, m.interval = now, m.cfg.Loop.Period()
	if m.ticked != 0 {
		m.interval = max(1, now-m.ticked)
	}
	m.ticked = now
	if fault := m.guard.Silent(now); fault.Kind != safety.NoFault {
		return m.fail(fault, now)
	}
	if fault := m.late.Tick(missed, now); fault.Kind != safety.NoFault {
		return m.fail(fault, now)
	}
	return m.act(now)
}

// take judges a joint state and keeps it.
func (m *Machine) take(s *hardware.JointState, arrival, now int64) (fresh bool, fault safety.Fault) {
	fresh, fault = m.guard.Check(s, arrival, now)
	if fault.Kind != safety.NoFault || !fresh {
		return fresh, fault
	}
	if m.arrival != 0 {
		m.lost += m.usual.missing(s.Stamp - m.reading.Stamp)
	}
	m.blind = false
	m.arrival, m.age = arrival, 0
	if now != 0 {
		m.age = max(0, float64(now-s.Stamp)*1e-9)
	}
	m.reading.CopyFrom(s)
	m.fresh = true
	return true, safety.Fault{}
}

// Unreadable takes a message that is no joint state of this robot.
func (m *Machine) Unreadable(err error, arrival int64) Output {
	return m.refuse(safety.Fault{Kind: safety.Unreadable, Err: err}, arrival)
}

// TwoSources takes a joint state that contradicts others, as two publishers deliver them in turn.
func (m *Machine) TwoSources(arrival int64) Output {
	return m.refuse(safety.Fault{Kind: safety.TwoSources}, arrival)
}

// refuse latches the fault of a message that is not to be used.
func (m *Machine) refuse(fault safety.Fault, arrival int64) Output {
	if m.phase == Done {
		return Output{}
	}
	m.ticks++
	m.guard.Touch(arrival)
	return m.fail(fault, arrival)
}

// Watch latches a fault if the robot has fallen silent, where joint states drive the loop, and
// ends the response to another one. now is the clock of the arrivals.
func (m *Machine) Watch(now int64) Output {
	if m.phase == Wait || m.phase == Done || m.blind {
		return Output{}
	}
	if fault := m.guard.Silent(now); fault.Kind != safety.NoFault {
		return m.fail(fault, now)
	}
	return Output{}
}

// Deadline returns when Watch is to be called next if nothing arrives after now.
func (m *Machine) Deadline(now int64) int64 { return m.guard.Deadline(now) }

// act answers the latest reading.
func (m *Machine) act(arrival int64) Output {
	switch m.phase {
	case Wait:
		m.begin()
		m.settled = -1 // as after Start: the command may come before or after the first reading
	case Fault:
		if !m.over() {
			return m.respond(arrival)
		}
		m.fault, m.forgive = safety.Fault{}, false
		m.late.Reset()
		m.interval = 0 // of a reading before the fault
		m.emit(Event{Kind: Recovered})
		m.begin()
	}
	if m.phase == Reset && m.anew != nil && m.fresh {
		m.forget()
	}
	if m.phase == Reset && m.settle() {
		switch {
		case m.placed:
			m.beginRun()
		case !m.settling:
			m.settling = true
			m.emit(Event{Kind: Settled})
		}
	}
	source := safety.Position
	switch m.phase {
	case Reset:
		if m.awaitsScene() {
			if m.leaveOpen() {
				return Output{}
			}
		} else if fault, late := m.resetLate(); late {
			return m.fail(fault, arrival)
		}
		if m.filter.Ramping() {
			m.reach.wait(m.time)
		}
		m.reach.act(m.wanted, m.reading, m.time, m.interval)
	case Run:
		source = safety.Learned
		if fault := m.run(arrival); fault.Kind != safety.NoFault {
			return m.fail(fault, arrival)
		}
	case Relax:
		source = safety.Relaxed
		clear(m.wanted)
	}
	if m.phase == Hold {
		if m.leaveOpen() {
			return Output{}
		}
		source = safety.Position
		m.reach.hold(m.wanted, m.goal, m.reading, m.interval)
	}
	return m.publish(m.wanted, source, arrival)
}

// awaitsScene tells whether the arm is where the trial begins, and what is around it is not yet.
func (m *Machine) awaitsScene() bool { return m.phase == Reset && m.settling && !m.placed }

// leaveOpen leaves the latest reading without an answer, in lock step: time stands still.
func (m *Machine) leaveOpen() bool {
	if m.cfg.LockStep && m.open {
		// The robot went on without an answer to the last reading.
		m.cfg.LockStep = false
		m.guard.Unpaced()
		m.filter.SetDelay(m.cfg.Safety.Delay)
		m.emit(Event{Kind: Unpaced})
	}
	if !m.cfg.LockStep {
		return false
	}
	m.answeredAt, m.open = 0, true
	return true
}

// begin goes on after the robot was found, is well again, or is not relaxed any more.
func (m *Machine) begin() {
	switch {
	case m.relaxed:
		m.phase = Relax
	case m.command == nil:
		m.beginHold()
	default:
		m.beginReset()
	}
}

// publish lets a torque through the filter.
func (m *Machine) publish(wanted []float64, source safety.Source, arrival int64) Output {
	m.out = m.filter.Tick(m.reading, wanted, source, float64(m.interval)*1e-9)
	m.fresh, m.open, m.answeredAt = false, false, arrival
	if m.phase == Run {
		m.action.applied(m.filter)
		if m.filter.Intervened() != 0 {
			m.record.Intervened++
		}
	}
	if fault := m.filter.Fault(); fault.Kind != safety.NoFault && m.phase != Fault {
		if m.phase == Run {
			fault.Step = max(0, m.step-1)
		}
		m.enter(fault)
	}
	return Output{Torque: m.out, Publish: true}
}

// settle counts ticks within the reset's tolerances and tells when there are enough.
func (m *Machine) settle() bool {
	if m.settled >= 0 && (!m.fresh || m.filter.Ramping()) {
		return false
	}
	goal := m.command.InitialPosition
	if m.command.Here {
		goal = m.reading.Position // gravity may pull the arm away from where it is held
	}
	if !motion.Within(goal, m.reading.Position, m.reading.Velocity, m.cfg.Reset.PositionTolerance, m.cfg.Reset.VelocityTolerance) || !m.extra.complete() {
		m.settled = 0
		return false
	}
	m.settled++
	return m.settled >= m.cfg.Reset.SettleSteps
}

// resetLate tells that the arm should have been at its initial position by now.
func (m *Machine) resetLate() (safety.Fault, bool) {
	if time.Duration(m.time-m.resetStart) <= m.cfg.Reset.Timeout {
		return safety.Fault{}, false
	}
	fault := m.extra.missing()
	if fault.Kind == safety.NoFault {
		joint, distance := motion.Farthest(m.command.InitialPosition, m.reading.Position)
		fault = safety.Fault{Kind: safety.ResetTimeout, Joint: joint, Name: m.robot.Joints()[joint], Value: distance, Limit: m.cfg.Reset.Timeout}
	}
	if m.failed++; m.failed >= m.cfg.Reset.Attempts {
		m.emit(Event{Kind: GaveUp, Fault: fault})
	}
	return fault, true
}

func (m *Machine) beginReset() {
	m.phase, m.settled, m.resetStart = Reset, 0, m.time
	m.settling, m.placed, m.anew = false, !m.scene, nil
	if m.command.Here {
		copy(m.command.InitialPosition, m.reading.Position)
	}
	m.reach.begin(m.reading, m.command.InitialPosition, m.time)
}

func (m *Machine) beginHold() {
	m.phase = Hold
	copy(m.goal, m.reading.Position)
	m.reach.restart()
}

func (m *Machine) beginRun() {
	m.phase, m.step, m.runStart, m.failed, m.lost = Run, 0, m.time, 0, 0
	m.action.restart(m.filter)
	for i := range m.previous {
		m.previous[i] = m.action.now[i%len(m.action.now)]
	}
	m.record.Fault, m.record.Intervened = safety.Fault{}, 0
	m.emit(Event{Kind: Started})
}
