package trial

import (
	"fmt"
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
	Relax
)

func (p Phase) String() string {
	return [...]string{"wait", "reset", "run", "hold", "fault", "done", "relax"}[p]
}

// EventKind is what happened.
type EventKind int

// The kinds of events.
const (
	// Started: the reset is over, the trial runs.
	Started EventKind = iota
	// Finished: the trial is over; Machine.Record has it until the next Start.
	Finished
	// Faulted: a fault is latched; see Event.Fault.
	Faulted
	// Recovered: the fault was reset or is over, the trial is repeated.
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
	// Torque has one entry per joint; it is valid until the next call.
	Torque safety.Torque
	// Publish says whether to publish it.
	Publish bool
}

// resendAfter is how long a robot in lock step may go on repeating its first joint state
// before the answer is sent again: it may have joined too late for the first. A robot that
// has heard one answer hears all, and a second one would be taken for the next step.
const resendAfter = 500 * time.Millisecond

// Machine runs trials. Every torque that it gives has passed its safety.Filter. It is not safe
// for concurrent use.
type Machine struct {
	cfg    Config
	robot  *robot.Robot
	filter *safety.Filter
	guard  *safety.Guard
	late   *safety.Deadlines
	reach  reach
	events chan Event

	phase   Phase
	command *Command // still to be run, or running
	current *Command // the last that was started
	noise   []float64
	fault   safety.Fault
	good    int  // readings in a row without fault
	forgive bool // the fault ends with the next good reading
	settled int  // ticks in a row within the reset's tolerances
	failed  int  // resets in a row that timed out
	broken  int  // faults in the current trial

	reading    *hardware.JointState // the latest
	fresh      bool                 // it was not used by a tick yet
	arrival    int64                // of the latest reading
	age        float64              // of the latest reading on arrival, in s, where it is known
	lost       uint32               // readings that were missing since the last step
	usual      intervals
	time       int64 // of the present tick: the reading's stamp, or the timer's clock
	interval   int64 // from the tick before it, ns
	ticked     int64 // when the last tick was, 0 for never
	resetStart int64
	runStart   int64
	step       int // next action
	action     action
	previous   []float64 // the last actions, the latest first
	extra      extra
	record     *Record
	partial    *Record // of a trial that was broken off
	held       bool    // partial is being read
	goal       []float64
	wanted     []float64
	none       []float64     // no torque wanted
	out        safety.Torque // the latest
	answeredAt int64         // arrival of the reading that out answers
	heard      bool          // the robot has gone on after an answer
	open       bool          // in lock step, Hold has left the latest reading without an answer

	ticks, faults uint64
}

// NewMachine returns a machine in phase Wait. Errors name the parameter.
func NewMachine(cfg Config, r *robot.Robot) (*Machine, error) {
	if err := cfg.suit(r.DU()); err != nil {
		return nil, err
	}
	filter, err := safety.New(cfg.Safety, guarded(cfg, r))
	if err != nil {
		return nil, err
	}
	dU := r.DU()
	m := &Machine{cfg: cfg, robot: r, filter: filter,
		guard:   safety.NewGuard(r.Joints(), cfg.Safety.StaleTimeout, cfg.LockStep),
		late:    safety.NewDeadlines(cfg.Safety),
		events:  make(chan Event, maxEvents),
		reading: hardware.NewJointState(dU), previous: make([]float64, r.PreviousTorques()*dU), extra: newExtra(r.Config().Extra),
		action: newAction(dU), goal: make([]float64, dU), wanted: make([]float64, dU), none: make([]float64, dU)}
	m.reach, err = newReach(cfg.Reset, dU)
	return m, err
}

// guarded is what the safety filter knows of the robot.
func guarded(cfg Config, r *robot.Robot) safety.Robot {
	limits := r.Limits()
	g := safety.Robot{Joints: r.Joints(), EffortLimit: r.EffortLimit(), Lower: limits.Lower, Upper: limits.Upper, Velocity: limits.Velocity,
		Compensate: r.Compensates(), Stiffness: cfg.Reset.Stiffness, Damping: cfg.Reset.Damping}
	if tree := r.Dynamics(); tree != nil {
		g.Dynamics = tree
	}
	if tip := r.EndEffector(); tip != nil {
		g.EndEffector = tip
	}
	return g
}

// maxEvents is more than one trial can cause, with as many faults as it may have.
const maxEvents = 4 * safety.MostFaults

// Events tells what happens.
func (m *Machine) Events() <-chan Event { return m.events }

// Start commands a trial. It begins at once in phase Hold, with the first reading in
// phase Wait, and when the fault is over in phase Fault, or the arm is not relaxed any more.
// Errors wrap ErrCommand; then nothing has changed. Start must not be called in phases Reset
// and Run. arrival is the steady clock in ns.
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
	T, dX, dU := c.Controller.Sizes()
	noise, err := rollout.Noise(c.NoiseSeed, T, dU, m.cfg.Noise.Exploration())
	if err != nil {
		return Output{}, fmt.Errorf("%w: %w", ErrCommand, err)
	}
	m.noise = noise
	m.command, m.current = c, c
	m.failed, m.broken = 0, 0
	if m.record == nil || m.record.Rollout.T != T {
		m.record = NewRecord(T, dX, dU)
	}
	if !m.held && (m.partial == nil || m.partial.Rollout.T != T) {
		m.partial = NewRecord(T, dX, dU)
	}
	if m.phase != Hold {
		return Output{}, nil
	}
	m.beginReset()
	if m.cfg.Loop.DrivenBy == ByTimer {
		return Output{}, nil
	}
	m.settled = -1 // the trial begins with a reading to come, not with the one of Hold
	// In lock step the robot waits for the answer to the reading that Hold left open.
	m.interval = 0
	return m.act(arrival), nil
}

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
// is no joint state goes to Unreadable, whose output may be left to the next Tick.
func (m *Machine) Observe(s *hardware.JointState, arrival, now int64) {
	if m.phase == Done {
		return
	}
	if _, fault := m.take(s, arrival, now); fault.Kind != safety.NoFault {
		m.latch(fault)
	}
}

// Tick answers the latest reading, where a timer drives the loop. now is the clock of the
// arrivals; late says that the tick comes later than it should.
func (m *Machine) Tick(now int64, late bool) Output {
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
	if fault := m.late.Tick(late, now); fault.Kind != safety.NoFault {
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
	if m.phase == Done {
		return Output{}
	}
	m.ticks++
	m.guard.Touch(arrival)
	return m.fail(safety.Fault{Kind: safety.Unreadable, Err: err}, arrival)
}

// Watch latches a fault if the robot has fallen silent, where joint states drive the loop. now
// is the clock of the arrivals.
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
	m.out, m.answeredAt = m.filter.Zero(), 0
	return Output{Torque: m.out, Publish: true}
}

// Record returns the last trial that finished.
func (m *Machine) Record() *Record { return m.record }

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
		m.filter.Start()
		m.begin()
	case Fault:
		if !m.over() {
			if m.fault.Blind() && m.good == 0 {
				m.out, m.answeredAt = m.filter.Blind(), arrival
				return Output{Torque: m.out, Publish: true}
			}
			return m.publish(m.none, safety.Position, arrival)
		}
		m.fault, m.forgive = safety.Fault{}, false
		m.filter.Start()
		m.emit(Event{Kind: Recovered})
		m.begin()
	}
	if m.phase == Reset && m.settle() {
		m.beginRun()
	}
	source := safety.Position
	switch m.phase {
	case Reset:
		if fault, late := m.resetLate(); late {
			return m.fail(fault, arrival)
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
		source = safety.Position
		m.reach.hold(m.wanted, m.goal, m.reading, m.interval)
	}
	return m.publish(m.wanted, source, arrival)
}

// begin goes on after the robot was found, or is well again.
func (m *Machine) begin() {
	if m.command == nil {
		m.beginHold()
	} else {
		m.beginReset()
	}
}

// publish lets a torque through the filter.
func (m *Machine) publish(wanted []float64, source safety.Source, arrival int64) Output {
	m.out = m.filter.Tick(m.reading, wanted, source, float64(m.interval)*1e-9)
	m.fresh, m.answeredAt = false, arrival
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
	if !motion.Within(m.command.InitialPosition, m.reading.Position, m.reading.Velocity, m.cfg.Reset.PositionTolerance, m.cfg.Reset.VelocityTolerance) || !m.extra.complete() {
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
	m.open = false
	m.phase, m.settled, m.resetStart = Reset, 0, m.time
	m.reach.begin(m.reading, m.command.InitialPosition, m.time)
}

func (m *Machine) beginHold() {
	m.phase, m.open = Hold, false
	copy(m.goal, m.reading.Position)
	m.reach.restart()
}

func (m *Machine) beginRun() {
	m.phase, m.step, m.runStart, m.failed, m.lost = Run, 0, m.time, 0, 0
	m.action.restart()
	m.record.Fault, m.record.Intervened = safety.Fault{}, 0
	m.emit(Event{Kind: Started})
}

func (m *Machine) emit(e Event) {
	select {
	case m.events <- e:
	default:
	}
}
