package ilqg

import (
	"fmt"
	"slices"

	"guidedpolicysearch/gps/internal/dense"
)

// MPC controls in closed loop with a receding horizon: at every time step it moves its plan
// by one step, improves it from the state that was measured, and gives the plan's first
// control. Dynamics and costs of the problem are called with t counted from the step at
// hand.
//
// It owns its workspace: two goroutines must not use one at once.
type MPC struct {
	solver     *Solver
	iterations int
	initial    []float64 // controls to begin with, T x dU
	shifted    []float64 // T x dU
	planned    bool
}

// NewMPC returns a controller that makes at most the given number of iterations, >= 1, per
// time step. initial (T x dU) are the controls that the first plan begins with; nil is
// zero. An error wraps ErrConfig or ErrNotFinite.
func NewMPC(p Problem, c Config, iterations int, initial []float64) (*MPC, error) {
	s, err := New(p, c)
	if err != nil {
		return nil, err
	}
	if iterations < 1 {
		return nil, fmt.Errorf("%w: %d iterations per time step, want at least 1", ErrConfig, iterations)
	}
	m := &MPC{solver: s, iterations: iterations, initial: make([]float64, p.T*p.DU), shifted: make([]float64, p.T*p.DU)}
	if initial != nil {
		checkLen("initial controls", initial, p.T*p.DU)
		if err := checkFinite("initial control", initial, p.DU); err != nil {
			return nil, err
		}
		m.initial = slices.Clone(initial)
	}
	return m, nil
}

// Reset forgets the plan: the next Act begins with the initial controls, as the first did.
// For a system that was put somewhere else.
func (m *MPC) Reset() { m.planned = false }

// Act writes the control at the state x (dX) to dst (dU) and reports the last iteration,
// whose Number is that of the iterations made. It does not allocate. An error wraps
// ErrNotFinite, ErrDiverged, ErrIndefinite or ErrUnbounded; then dst is not written, and the next
// call begins anew (after a state that is not finite, from the plan as it was).
func (m *MPC) Act(dst, x []float64) (Iteration, error) {
	s := m.solver
	checkLen("control", dst, s.problem.DU)
	checkLen("state", x, s.problem.DX)
	if err := checkFinite("state", x, s.problem.DX); err != nil {
		return Iteration{}, err
	}
	it, err := m.improve(x)
	if err != nil && m.planned {
		// A plan made at a state far off, such as one measured wrongly, may be of no use.
		m.planned = false
		it, err = m.improve(x)
	}
	if m.planned = err == nil; !m.planned {
		return it, err
	}
	copy(dst, s.current.Action(0))
	return it, nil
}

// improve makes the iterations of one time step at x.
func (m *MPC) improve(x []float64) (Iteration, error) {
	if err := m.start(x); err != nil {
		return Iteration{}, err
	}
	for range m.iterations {
		if it, err := m.solver.Iterate(); err != nil || it.Status != Running {
			return it, err
		}
	}
	return m.solver.last, nil
}

// Gain returns K_0 of the last Act, dU x dX, as a view: until the next Act, the control at
// a state x' is that of Act plus K_0 (x' - x).
func (m *MPC) Gain() []float64 { return m.solver.Gain(0) }

// Plan returns the controls from this time step on, T x dU, as a view that Act changes.
func (m *MPC) Plan() []float64 { return m.solver.current.U }

// start begins a descent at x: from the plan moved by one step, with its feedback; or
// without, if that diverges; or from the initial controls.
func (m *MPC) start(x []float64) error {
	s := m.solver
	if !m.planned {
		return s.Start(x, m.initial)
	}
	lambda := s.lambda
	if s.last.Status == Stalled {
		lambda = s.config.Lambda
	}
	if m.follow(x) {
		s.lambda = lambda
		return nil
	}
	dU := s.problem.DU
	copy(m.shifted, s.current.U[dU:])
	copy(m.shifted[len(m.shifted)-dU:], s.current.Action(s.problem.T-1))
	if s.Start(x, m.shifted) == nil {
		return nil
	}
	return s.Start(x, m.initial)
}

// follow runs the plan from its second step on, with its feedback, from x; the last
// control is held for one step more. It reports whether cost and trajectory are finite.
func (m *MPC) follow(x []float64) bool {
	s := m.solver
	p, old, r := &s.problem, s.current, s.next
	copy(r.State(0), x)
	for t := range p.T {
		from := min(t+1, p.T-1)
		u := r.Action(t)
		copy(u, old.Action(from))
		if t < p.T-1 {
			s.feedback(u, from, old.State(from), r.State(t))
		}
		p.clamp(u)
		p.Dynamics.Step(r.State(t+1), r.State(t), u, t)
		if dense.FirstNotFinite(u) >= 0 || dense.FirstNotFinite(r.State(t+1)) >= 0 {
			return false
		}
	}
	total, err := s.evaluate(r)
	if err != nil || !finite(total) {
		return false
	}
	s.current, s.next = s.next, s.current
	s.total, s.stale, s.last = total, true, Iteration{Status: Running, Cost: total}
	return true
}
