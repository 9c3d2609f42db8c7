package trial

import (
	"fmt"

	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/hardware"
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
	// Settled: the arm is where the trial begins, and waits for Placed.
	Settled
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

	phase    Phase
	command  *Command // still to be run, or running
	current  *Command // the last that was started
	noise    []float64
	fault    safety.Fault
	good     int            // readings in a row without fault
	forgive  bool           // the fault ends with the next good reading
	blind    bool           // since a fault, no reading could be trusted
	relaxed  bool           // until Resume, whatever happens in between
	settled  int            // ticks in a row within the reset's tolerances
	failed   int            // resets in a row that timed out
	broken   int            // faults in the current trial
	scene    bool           // trials wait for Placed
	settling bool           // Settled was told of this reset
	placed   bool           // Placed was called for it, or need not be
	anew     *safety.Filter // takes the filter's place with the next reading, after Replaced

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
	open       bool          // in lock step, Hold has left the latest reading without an answer yet

	ticks, faults uint64
}

// NewMachine returns a machine in phase Wait. Errors name the parameter.
func NewMachine(cfg Config, r *robot.Robot) (*Machine, error) {
	if err := cfg.suit(r.DU()); err != nil {
		return nil, err
	}
	filter, err := newFilter(cfg, r)
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
	if m.reach, err = newReach(cfg.Reset, dU); err != nil {
		return nil, err
	}
	return m, nil
}

func newFilter(cfg Config, r *robot.Robot) (*safety.Filter, error) {
	f, err := safety.New(cfg.Safety, guarded(cfg, r))
	if err == nil && cfg.LockStep {
		f.SetDelay(0) // no time passes between a reading and its torque
	}
	return f, err
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

// AwaitScene has each trial wait, once the arm is where it begins, until Placed says that what is
// around the arm is there too.
func (m *Machine) AwaitScene() { m.scene = true }

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
	if c != m.current {
		m.failed, m.broken = 0, 0
	}
	m.command, m.current = c, c
	if m.record == nil || m.record.Rollout.T != T {
		m.record = NewRecord(T, dX, dU)
	}
	if !m.held && (m.partial == nil || m.partial.Rollout.T != T) {
		m.partial = NewRecord(T, dX, dU)
	}
	if m.phase != Hold {
		return Output{}, nil
	}
	if m.cfg.Loop.DrivenBy != ByTimer {
		m.time = m.reading.Stamp // in lock step Hold leaves readings unanswered: the clock may be far on
	}
	m.beginReset()
	if m.cfg.Loop.DrivenBy == ByTimer {
		return Output{}, nil
	}
	if m.cfg.LockStep && !m.open {
		return Output{}, nil // the latest reading was answered before the trial was broken off
	}
	m.settled = -1 // the trial begins with a reading to come, not with the one of Hold
	// In lock step the robot waits for the answer to the reading that Hold left open.
	m.interval = 0
	return m.act(arrival), nil
}

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

// emit tells an event; one that nobody has taken in time is lost.
func (m *Machine) emit(e Event) {
	select {
	case m.events <- e:
	default:
	}
}
