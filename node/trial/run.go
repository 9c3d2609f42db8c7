package trial

import (
	"math"
	"time"

	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/hardware/safety"
)

// leastGap is how old a state may be, in s, whatever the controller's time step.
const leastGap = 0.02

// run takes the torque that the trial's controller wants now into m.wanted, and the state at
// which it decided into the record. It returns a fault that breaks the trial off.
func (m *Machine) run(arrival int64) safety.Fault {
	dt := m.command.DT * 1e9
	elapsed := float64(m.time - m.runStart)
	// An action is taken at the tick nearest to its time: the next is expected an interval later.
	half := min(max(float64(m.interval), 0), dt) / 2
	due := math.Floor((elapsed + half) / dt)
	if due < float64(m.step) {
		m.between(elapsed)
		return safety.Fault{}
	}
	if due > float64(m.step) {
		missing := time.Duration(elapsed - float64(m.step)*dt)
		return safety.Fault{Kind: safety.Gap, Step: m.step, Duration: missing}
	}
	if fault := m.extra.silent(arrival, m.cfg.Safety.StaleTimeout); !m.cfg.LockStep && fault.Kind != safety.NoFault {
		return fault
	}
	// Where joint states drive the loop, there is none between two of them.
	if age := m.stateAge(arrival); m.cfg.Loop.DrivenBy == ByTimer && age > max(m.command.DT, leastGap) {
		return safety.Fault{Kind: safety.Gap, Step: m.step, Duration: time.Duration(age * 1e9)}
	}
	m.closeStep()
	rec := m.record
	r := rec.Rollout
	x := r.State(m.step)
	m.robot.State(x, robot.Measurement{Position: m.reading.Position, Velocity: m.reading.Velocity, PreviousTorques: m.previous, Extra: m.extra.values})
	for i, v := range x {
		if v-v != 0 { // the end effector of joints that are finite but out of all bounds
			return safety.Fault{Kind: safety.NotFinite, Joint: -1, Name: m.robot.StateNames()[i], Value: v, Step: m.step}
		}
	}
	rec.Stamps[m.step], rec.Ages[m.step], rec.Lost[m.step] = m.reading.Stamp, m.stateAge(arrival), m.lost
	m.lost = 0
	if m.step == r.T {
		rec.Command, rec.Steps, m.command = m.command, r.T, nil
		m.beginHold()
		m.emit(Event{Kind: Finished})
		return safety.Fault{}
	}
	m.decide(x, r.DU)
	m.step++
	m.between(elapsed)
	return safety.Fault{}
}

// decide asks the controller for the action of the present step.
func (m *Machine) decide(x []float64, dU int) {
	a := &m.action
	a.next()
	m.command.Controller.Act(a.to, x, m.step, m.noise[m.step*dU:(m.step+1)*dU])
	copy(m.record.Commanded[m.step*dU:], a.to)
}

// closeStep records the action of the step that has just ended: what was applied.
func (m *Machine) closeStep() {
	if m.step == 0 {
		return
	}
	dU := m.record.Rollout.DU
	u := m.record.Rollout.Action(m.step - 1)
	m.action.mean(u)
	if n := len(m.previous); n > 0 {
		copy(m.previous[dU:], m.previous[:n-dU])
		copy(m.previous, u)
	}
}

// between takes the torque between the last action and the one before it.
func (m *Machine) between(elapsed float64) {
	a := &m.action
	if m.cfg.Loop.Interpolation != InterpolateAction {
		copy(m.wanted, a.to)
		return
	}
	dt := m.command.DT * 1e9
	part := min(1, (elapsed-float64(m.step-1)*dt+max(float64(m.interval), 1))/dt)
	for i, to := range a.to {
		m.wanted[i] = a.from[i] + part*(to-a.from[i])
	}
}

// stateAge returns how old the latest reading is, in s.
func (m *Machine) stateAge(now int64) float64 {
	return m.age + float64(now-m.arrival)*1e-9
}

// action is what the controller wants in a step, and what was applied.
type action struct {
	from, to []float64 // the last action and the present one
	first    []float64 // applied in the step's first tick
	excess   []float64 // sum over the ticks of what was applied beyond that
	now      []float64
	ticks    int
}

func newAction(dU int) action {
	vec := func() []float64 { return make([]float64, dU) }
	return action{from: vec(), to: vec(), first: vec(), excess: vec(), now: vec()}
}

// restart begins a trial: the first action follows on what was applied before it.
func (a *action) restart(f *safety.Filter) {
	f.Applied(a.now)
	copy(a.to, a.now)
}

// next begins a step.
func (a *action) next() {
	copy(a.from, a.to)
	a.ticks = 0
	clear(a.excess)
}

// applied adds what the filter let through in a tick.
func (a *action) applied(f *safety.Filter) {
	f.Applied(a.now)
	if a.ticks == 0 {
		copy(a.first, a.now)
	}
	for i, v := range a.now {
		a.excess[i] += v - a.first[i]
	}
	a.ticks++
}

// mean writes what was applied on average; to the bit the torque that did not change.
func (a *action) mean(dst []float64) {
	for i := range dst {
		dst[i] = a.first[i] + a.excess[i]/float64(max(1, a.ticks))
	}
}

// breakOff keeps what there is of a trial that a fault ends.
func (m *Machine) breakOff(fault safety.Fault) {
	steps := m.step - 1 // the last action was not held for its time
	if m.held || steps < 1 {
		return
	}
	m.record, m.partial = m.partial, m.record
	p := m.partial
	p.Command, p.Steps, p.Fault = m.command, steps, fault
	m.held = true
}

// TakePartial returns what there is of a trial that was broken off, nil if there is nothing
// new. It stays as it is until ReleasePartial.
func (m *Machine) TakePartial() *Record {
	if !m.held {
		return nil
	}
	return m.partial
}

// ReleasePartial lets the next trial that is broken off take its place.
func (m *Machine) ReleasePartial() {
	if !m.held {
		return
	}
	m.held = false
	if ro := m.record.Rollout; m.partial.Rollout.T != ro.T {
		m.partial = NewRecord(ro.T, ro.DX, ro.DU)
	}
}

// Whole returns the part of the rollout that was recorded, T = Steps; it shares memory.
func (r *Record) Whole() *rollout.Rollout {
	w := *r.Rollout
	w.T, w.X, w.U = r.Steps, w.X[:(r.Steps+1)*w.DX], w.U[:r.Steps*w.DU]
	return &w
}
