package trial

import (
	"fmt"
	"math"
	"time"

	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/hardware"
	"guidedpolicysearch/hardware/motion"
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/hardware/safety"
)

// Phase is what the machine does.
type Phase uint8

// The phases, with the numbers of guided_policy_search_msgs/msg/NodeState.
const (
	Wait Phase = iota
	Reset
	Run
	Hold
	Fault
	Done
)

func (p Phase) String() string {
	return [...]string{"wait", "reset", "run", "hold", "fault", "done"}[p]
}

// EventKind is what happened.
type EventKind int

// The kinds of events.
const (
	// Started: the reset is over, the trial runs.
	Started EventKind = iota
	// Finished: the trial is over; Machine.Record has it until the next Start.
	Finished
	// Faulted: the torque is zero; see Event.Fault.
	Faulted
	// Recovered: the readings are good again, the trial is repeated.
	Recovered
	// GaveUp: the reset timed out too often, or the trial was broken off too often.
	GaveUp
	// Unpaced: the robot does not wait for commands, though lock_step says so. From now
	// on it is held as one that does not.
	Unpaced
)

// Event tells what happened.
type Event struct {
	Kind  EventKind
	Fault safety.Fault
}

// Output is what a call asks the loop to do.
type Output struct {
	// Torque has one entry per joint, in N m; it is valid until the next call.
	Torque []float64
	// Publish says whether to publish it.
	Publish bool
}

// resendAfter is how long a robot in lock step may go on repeating its first joint state
// before the answer is sent again: it may have joined too late for the first. A robot that
// has heard one answer hears all, and a second one would be taken for the next step.
const resendAfter = 500 * time.Millisecond

// Machine runs trials. It is not safe for concurrent use.
type Machine struct {
	cfg      Config
	robot    *robot.Robot
	position motion.Position
	guard    *safety.Guard
	events   chan Event

	phase   Phase
	command *Command // still to be run, or running
	current *Command // the last that was started
	noise   []float64
	fault   safety.Fault
	good    int // readings in a row without fault
	settled int // readings in a row within the reset's tolerances
	failed  int // resets in a row that timed out
	broken  int // faults in the current trial

	reading    *hardware.JointState // the latest
	interval   int64                // from the reading before it, ns
	resetStart int64                // stamp
	runStart   int64                // stamp
	step       int                  // next action
	record     Record
	x          []float64
	goal       []float64 // of Hold
	torque     []float64
	answeredAt int64 // arrival of the reading that torque answers
	heard      bool  // the robot has gone on after an answer
	open       bool  // in lock step, Hold has left the latest reading without an answer

	ticks, faults uint64
}

// NewMachine returns a machine in phase Wait.
func NewMachine(cfg Config, r *robot.Robot) (*Machine, error) {
	dU := r.DU()
	if len(cfg.Reset.Stiffness) != dU || len(cfg.Reset.Damping) != dU {
		return nil, fmt.Errorf("trial: reset.stiffness and reset.damping have %d and %d entries, need %d, one per joint", len(cfg.Reset.Stiffness), len(cfg.Reset.Damping), dU)
	}
	return &Machine{cfg: cfg, robot: r,
		position: motion.Position{Stiffness: cfg.Reset.Stiffness, Damping: cfg.Reset.Damping},
		guard:    safety.NewGuard(r.Joints(), cfg.Safety.StaleTimeout, cfg.LockStep),
		events:   make(chan Event, maxEvents),
		reading:  hardware.NewJointState(dU), x: make([]float64, r.DX()), goal: make([]float64, dU), torque: make([]float64, dU)}, nil
}

// maxEvents is more than one trial can cause, with as many faults as it may have.
const maxEvents = 4 * maxFaults

// Events tells what happens.
func (m *Machine) Events() <-chan Event { return m.events }

// Start commands a trial. It begins at once in phase Hold, with the first reading in
// phase Wait, and when the fault is over in phase Fault. Errors wrap ErrCommand; then
// nothing has changed. Start must not be called in phases Reset and Run.
func (m *Machine) Start(c *Command, arrival int64) (Output, error) {
	if err := c.validate(m.robot.DX(), m.robot.DU()); err != nil {
		return Output{}, err
	}
	switch m.phase {
	case Reset, Run:
		return Output{}, fmt.Errorf("%w: another trial is in phase %v", ErrCommand, m.phase)
	case Done:
		return Output{}, fmt.Errorf("%w: the machine was stopped", ErrCommand)
	}
	T, dU := c.Controller.T, m.robot.DU()
	noise, err := rollout.Noise(c.NoiseSeed, T, dU, m.cfg.Noise.Exploration())
	if err != nil {
		return Output{}, fmt.Errorf("%w: %w", ErrCommand, err)
	}
	m.noise = noise
	m.command, m.current = c, c
	m.failed, m.broken = 0, 0
	if m.record.Rollout == nil || m.record.Rollout.T != T {
		m.record = Record{Rollout: rollout.New(T, m.robot.DX(), dU), Commanded: make([]float64, T*dU), Stamps: make([]int64, T+1)}
	}
	if m.phase != Hold {
		return Output{}, nil
	}
	m.beginReset()
	m.settled = -1 // the trial begins with a reading to come, not with the one of Hold
	// In lock step the robot waits for the answer to the reading that Hold left open.
	return m.act(arrival), nil
}

// Reading takes a joint state. arrival is a steady clock in ns, now the ROS time in ns or
// 0 where it is not known.
func (m *Machine) Reading(s *hardware.JointState, arrival, now int64) Output {
	if m.phase == Done {
		return Output{}
	}
	m.ticks++
	fresh, fault := m.guard.Check(s, arrival, now)
	if fault.Kind != safety.NoFault {
		return m.fail(fault, arrival)
	}
	if !fresh {
		if m.cfg.LockStep && !m.heard && m.answeredAt != 0 && arrival-m.answeredAt > int64(resendAfter) {
			m.answeredAt = arrival
			return Output{Torque: m.torque, Publish: true}
		}
		return Output{}
	}
	m.heard = m.heard || m.answeredAt != 0
	m.interval = s.Stamp - m.reading.Stamp
	m.reading.CopyFrom(s)
	return m.act(arrival)
}

// Unreadable takes a message that is no joint state of this robot.
func (m *Machine) Unreadable(err error, arrival int64) Output {
	if m.phase == Done {
		return Output{}
	}
	m.ticks++
	m.guard.Touch(arrival)
	return m.fail(safety.Fault{Kind: safety.Unreadable, Err: err}, arrival)
}

// Watch zeroes the torque if the robot has fallen silent. now is the clock of the
// arrivals.
func (m *Machine) Watch(now int64) Output {
	if m.phase == Wait || m.phase == Fault || m.phase == Done {
		return Output{}
	}
	if fault := m.guard.Silent(now); fault.Kind != safety.NoFault {
		return m.fail(fault, now)
	}
	return Output{}
}

// Deadline returns when Watch is to be called next if nothing arrives after now.
func (m *Machine) Deadline(now int64) int64 { return m.guard.Deadline(now) }

// Stop ends all trials: the torque is zero and stays so.
func (m *Machine) Stop() Output {
	m.phase = Done
	return m.zero(0)
}

// Record returns the last trial that finished.
func (m *Machine) Record() *Record { return &m.record }

// Phase returns the current phase.
func (m *Machine) Phase() Phase { return m.phase }

// Command returns the current or last command, nil if there was none.
func (m *Machine) Command() *Command { return m.current }

// Fault returns the current fault.
func (m *Machine) Fault() safety.Fault { return m.fault }

// Counts returns the control ticks and the faults so far.
func (m *Machine) Counts() (ticks, faults uint64) { return m.ticks, m.faults }

// act answers the latest reading.
func (m *Machine) act(arrival int64) Output {
	switch m.phase {
	case Wait:
		if m.command == nil {
			m.beginHold()
		} else {
			m.beginReset()
		}
	case Fault:
		if m.good++; m.good < m.cfg.Safety.RecoverySteps {
			return m.zero(arrival)
		}
		m.fault = safety.Fault{}
		m.emit(Event{Kind: Recovered})
		if m.command == nil {
			m.beginHold()
		} else {
			m.beginReset()
		}
	}
	if m.phase == Reset && m.settle() {
		m.phase, m.step, m.runStart, m.failed = Run, 0, m.reading.Stamp, 0
		m.emit(Event{Kind: Started})
	}
	switch m.phase {
	case Reset:
		if elapsed := time.Duration(m.reading.Stamp - m.resetStart); elapsed > m.cfg.Reset.Timeout {
			joint, distance := motion.Farthest(m.command.InitialPosition, m.reading.Position)
			fault := safety.Fault{Kind: safety.ResetTimeout, Joint: joint, Name: m.robot.Joints()[joint], Value: distance, Limit: m.cfg.Reset.Timeout}
			if m.failed++; m.failed >= m.cfg.Reset.Attempts {
				m.emit(Event{Kind: GaveUp, Fault: fault})
			}
			return m.fail(fault, arrival)
		}
		m.position.Act(m.torque, m.command.InitialPosition, m.reading.Position, m.reading.Velocity)
	case Run:
		if out, over := m.run(arrival); over {
			return out
		}
	}
	if m.phase == Hold {
		if m.cfg.LockStep && m.open {
			// The robot went on without an answer to the last reading.
			m.cfg.LockStep = false
			m.guard.Unpaced()
			m.emit(Event{Kind: Unpaced})
		}
		if m.cfg.LockStep {
			m.answeredAt, m.open = 0, true
			return Output{}
		}
		m.position.Act(m.torque, m.goal, m.reading.Position, m.reading.Velocity)
	}
	if m.phase != Run {
		if joint := m.robot.ClampEffort(m.torque); joint >= 0 {
			return m.fail(safety.Fault{Kind: safety.BadTorque, Joint: joint, Name: m.robot.Joints()[joint], Value: m.torque[joint], Step: -1}, arrival)
		}
	}
	m.answeredAt = arrival
	return Output{Torque: m.torque, Publish: true}
}

// settle counts readings within the reset's tolerances and tells when there are enough.
func (m *Machine) settle() bool {
	if !motion.Within(m.command.InitialPosition, m.reading.Position, m.reading.Velocity, m.cfg.Reset.PositionTolerance, m.cfg.Reset.VelocityTolerance) {
		m.settled = 0
		return false
	}
	m.settled++
	return m.settled >= m.cfg.Reset.SettleSteps
}

// run takes the action that is due at the latest reading into m.torque. over says that
// the tick is answered by out: a fault.
func (m *Machine) run(arrival int64) (out Output, over bool) {
	dt := m.command.DT * 1e9
	elapsed := float64(m.reading.Stamp - m.runStart)
	// An action is taken at the reading nearest to its time: the next reading is expected
	// an interval later.
	half := min(max(float64(m.interval), 0), dt) / 2
	due := math.Floor((elapsed + half) / dt)
	if due < float64(m.step) {
		return Output{}, false // between two actions: the last torque holds
	}
	if due > float64(m.step) {
		missing := time.Duration(elapsed - float64(m.step)*dt)
		return m.fail(safety.Fault{Kind: safety.Gap, Step: m.step, Duration: missing}, arrival), true
	}
	r := m.record.Rollout
	x := r.State(m.step)
	m.robot.State(x, m.reading.Position, m.reading.Velocity)
	for i, v := range x {
		if v-v != 0 { // the end effector of joints that are finite but out of all bounds
			return m.fail(safety.Fault{Kind: safety.NotFinite, Joint: -1, Name: m.robot.StateNames()[i], Value: v}, arrival), true
		}
	}
	m.record.Stamps[m.step] = m.reading.Stamp
	if m.step == r.T {
		m.record.Command, m.command = m.command, nil
		m.beginHold()
		m.emit(Event{Kind: Finished})
		return Output{}, false
	}
	dU := r.DU
	m.command.Controller.Act(m.torque, x, m.step, m.noise[m.step*dU:(m.step+1)*dU])
	copy(m.record.Commanded[m.step*dU:], m.torque)
	if joint := m.robot.ClampEffort(m.torque); joint >= 0 {
		return m.fail(safety.Fault{Kind: safety.BadTorque, Joint: joint, Name: m.robot.Joints()[joint], Value: m.torque[joint], Step: m.step}, arrival), true
	}
	copy(r.Action(m.step), m.torque)
	m.step++
	return Output{}, false
}

// fail enters phase Fault, or stays there, and answers with zero torque.
func (m *Machine) fail(fault safety.Fault, arrival int64) Output {
	m.good = 0
	if fault.Kind == safety.Silent || fault.Kind == safety.Backwards {
		m.heard = false // it may be another robot from now on
	}
	if m.phase != Fault {
		m.phase, m.fault = Fault, fault
		m.faults++
		m.emit(Event{Kind: Faulted, Fault: fault})
		if m.broken++; m.broken == m.cfg.Safety.MaxFaults && m.command != nil {
			m.emit(Event{Kind: GaveUp, Fault: fault})
		}
	}
	return m.zero(arrival)
}

func (m *Machine) zero(arrival int64) Output {
	clear(m.torque)
	m.answeredAt = arrival
	return Output{Torque: m.torque, Publish: true}
}

func (m *Machine) beginReset() {
	m.open = false
	m.phase, m.settled, m.resetStart = Reset, 0, m.reading.Stamp
}

func (m *Machine) beginHold() {
	m.phase, m.open = Hold, false
	copy(m.goal, m.reading.Position)
}

func (m *Machine) emit(e Event) {
	select {
	case m.events <- e:
	default:
	}
}
