// Package sim simulates small torque-controlled plants in plain Go: a pendulum, a
// cart-pole, a planar point mass, a planar arm of N links and a seven-joint arm of
// fixed size for timing. Units are SI: rad or m, rad/s or m/s, N m or N, s.
//
// A Plant gives the accelerations of its joints; a Simulator integrates them while
// the action is held, as a digital torque controller does. None of the types may be
// used by two goroutines at once: they own their workspace.
package sim

import (
	"errors"
	"fmt"
	"math"
)

var (
	// ErrConfig marks a value that a plant or simulator cannot be built with.
	ErrConfig = errors.New("sim: invalid configuration")
	// ErrNotFinite marks an action or a state that holds a NaN or an infinity.
	ErrNotFinite = errors.New("sim: value is not finite")
	// ErrDiverged marks a step that left the finite numbers.
	ErrDiverged = errors.New("sim: state diverged")
)

// Plant is a mechanical system with nQ joint positions q, as many velocities dq, and
// nU actions u.
type Plant interface {
	// JointNames returns the nQ names; the caller must not change them.
	JointNames() []string
	// Dims returns the number of joint positions and of actions.
	Dims() (nQ, nU int)
	// Accelerations writes the joint accelerations, nQ, at positions q (nQ),
	// velocities dq (nQ) and actions u (nU). It does not allocate. The plants here panic
	// for other sizes, and give values that are not finite where numbers overflow.
	Accelerations(dst, q, dq, u []float64)
}

// Integrator is a scheme that carries the state over one substep.
type Integrator int

const (
	// RungeKutta4 is the classical fourth-order Runge-Kutta scheme.
	RungeKutta4 Integrator = iota
	// SemiImplicitEuler updates the velocity first and the position with the new
	// velocity. First order, one evaluation.
	SemiImplicitEuler
)

// Config sets how a Simulator integrates.
type Config struct {
	// TimeStep is the time in s for which an action is held, > 0. Default 0.05.
	TimeStep float64
	// Substeps is the number of integration steps per time step, 1 to 100000.
	// Default 5.
	Substeps int
	// Integrator is the scheme. Default RungeKutta4.
	Integrator Integrator
	// MaxSpeed bounds the magnitude of every joint velocity, nQ, > 0, in rad/s or m/s:
	// after each substep the velocity is clipped, when the position has moved with
	// what the substep gave. +Inf is no bound; default none: empty.
	MaxSpeed []float64
	// MaxEffort bounds the magnitude of every action, nU, > 0, in N m or N: larger ones
	// are clipped. +Inf is no bound; default none: empty.
	MaxEffort []float64
}

const maxSubsteps = 100_000

// DefaultConfig returns the settings of the two-link arm task.
func DefaultConfig() Config { return Config{TimeStep: 0.05, Substeps: 5, Integrator: RungeKutta4} }

// Validate returns an error wrapping ErrConfig that names key, value and what was expected.
func (c Config) Validate() error {
	if err := positive("time_step", c.TimeStep, "s"); err != nil {
		return err
	}
	if c.Substeps < 1 || c.Substeps > maxSubsteps {
		return fmt.Errorf("%w: substeps is %d, want 1 to %d", ErrConfig, c.Substeps, maxSubsteps)
	}
	if c.Integrator != RungeKutta4 && c.Integrator != SemiImplicitEuler {
		return fmt.Errorf("%w: integrator is %d, want RungeKutta4 or SemiImplicitEuler", ErrConfig, c.Integrator)
	}
	return nil
}

// validateFor checks the limits too, which go by the plant's sizes.
func (c Config) validateFor(nQ, nU int) error {
	err := c.Validate()
	if err == nil && len(c.MaxSpeed) > 0 {
		err = each("max_speed", c.MaxSpeed, nQ, "rad/s or m/s", limit)
	}
	if err == nil && len(c.MaxEffort) > 0 {
		err = each("max_effort", c.MaxEffort, nU, "N m or N", limit)
	}
	return err
}

// Simulator carries the state of a plant through time.
type Simulator struct {
	plant  Plant
	config Config
	nQ, nU int
	state  []float64 // [q; dq], 2 nQ
	// Workspace: the substep's state, the stage's state, four slopes [dq; ddq].
	next, stage    []float64
	effort         []float64 // the action after its limits, nU
	k1, k2, k3, k4 []float64
}

// New returns a simulator of the plant, at rest at the zero position.
func New(p Plant, c Config) (*Simulator, error) {
	nQ, nU := p.Dims()
	if err := c.validateFor(nQ, nU); err != nil {
		return nil, err
	}
	vec := func() []float64 { return make([]float64, 2*nQ) }
	return &Simulator{plant: p, config: c, nQ: nQ, nU: nU, state: vec(), next: vec(), stage: vec(), effort: make([]float64, nU),
		k1: vec(), k2: vec(), k3: vec(), k4: vec()}, nil
}

// Plant returns the simulated plant.
func (s *Simulator) Plant() Plant { return s.plant }

// JointNames returns the nQ names of the plant's joints; the caller must not change them.
func (s *Simulator) JointNames() []string { return s.plant.JointNames() }

// Dims returns the number of joint positions and of actions.
func (s *Simulator) Dims() (nQ, nU int) { return s.nQ, s.nU }

// TimeStep returns the time in s that one Step takes.
func (s *Simulator) TimeStep() float64 { return s.config.TimeStep }

// Positions returns q, nQ, as a view that the next Step changes.
func (s *Simulator) Positions() []float64 { return s.state[:s.nQ:s.nQ] }

// Velocities returns dq, nQ, as a view that the next Step changes.
func (s *Simulator) Velocities() []float64 { return s.state[s.nQ:] }

// State writes [q; dq], 2 nQ, to dst.
func (s *Simulator) State(dst []float64) {
	checkLen("state", dst, 2*s.nQ)
	copy(dst, s.state)
}

// SetState sets [q; dq], 2 nQ. A value that is not finite gives an error wrapping
// ErrNotFinite and leaves the state as it was.
func (s *Simulator) SetState(x []float64) error {
	checkLen("state", x, 2*s.nQ)
	for i, v := range x {
		if !finite(v) {
			return fmt.Errorf("%w: %s is %v", ErrNotFinite, s.component(i), v)
		}
	}
	copy(s.state, x)
	return nil
}

// Step holds the action u, nU, for one time step. It does not allocate. An action
// that is not finite gives an error wrapping ErrNotFinite, a motion too wild for the
// substep one wrapping ErrDiverged; both leave the state as it was.
func (s *Simulator) Step(u []float64) error {
	checkLen("action", u, s.nU)
	for i, v := range u {
		if !finite(v) {
			return fmt.Errorf("%w: action %d of %d is %v", ErrNotFinite, i+1, s.nU, v)
		}
	}
	h := s.config.TimeStep / float64(s.config.Substeps)
	copy(s.next, s.state)
	copy(s.effort, u)
	clip(s.effort, s.config.MaxEffort)
	for range s.config.Substeps {
		if s.config.Integrator == SemiImplicitEuler {
			s.semiImplicit(h, s.effort)
		} else {
			s.rungeKutta(h, s.effort)
		}
		clip(s.next[s.nQ:], s.config.MaxSpeed)
	}
	for i, v := range s.next {
		if !finite(v) {
			return fmt.Errorf("%w: %s is %v after a step of %g s; use more substeps than %d or smaller actions",
				ErrDiverged, s.component(i), v, s.config.TimeStep, s.config.Substeps)
		}
	}
	copy(s.state, s.next)
	return nil
}

// clip brings the elements of v to magnitudes of at most limit, if there is one.
func clip(v, limit []float64) {
	for i, most := range limit {
		v[i] = max(-most, min(most, v[i]))
	}
}

// semiImplicit advances next by h.
func (s *Simulator) semiImplicit(h float64, u []float64) {
	q, dq := s.next[:s.nQ], s.next[s.nQ:]
	s.plant.Accelerations(s.k1[:s.nQ], q, dq, u)
	for i := range q {
		dq[i] += h * s.k1[i]
		q[i] += h * dq[i]
	}
}

// rungeKutta advances next by h.
func (s *Simulator) rungeKutta(h float64, u []float64) {
	s.slope(s.k1, s.next, u)
	s.slope(s.k2, s.along(s.k1, h/2), u)
	s.slope(s.k3, s.along(s.k2, h/2), u)
	s.slope(s.k4, s.along(s.k3, h), u)
	for i := range s.next {
		s.next[i] += h / 6 * (s.k1[i] + 2*s.k2[i] + 2*s.k3[i] + s.k4[i])
	}
}

// along returns next + h k in the stage's workspace.
func (s *Simulator) along(k []float64, h float64) []float64 {
	for i, v := range s.next {
		s.stage[i] = v + h*k[i]
	}
	return s.stage
}

// slope writes [dq; ddq] at state x.
func (s *Simulator) slope(dst, x, u []float64) {
	copy(dst[:s.nQ], x[s.nQ:])
	s.plant.Accelerations(dst[s.nQ:], x[:s.nQ], x[s.nQ:], u)
}

// component names element i of the state.
func (s *Simulator) component(i int) string {
	if i < s.nQ {
		return "position of " + s.plant.JointNames()[i]
	}
	return "velocity of " + s.plant.JointNames()[i-s.nQ]
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// checkMotion panics unless the arguments of a plant's function have their sizes; given is
// the last one, of this name.
func checkMotion(nQ, result int, dst, q, dq []float64, name string, given []float64, want int) {
	checkLen("result", dst, result)
	checkLen("positions", q, nQ)
	checkLen("velocities", dq, nQ)
	checkLen(name, given, want)
}

func checkLen(name string, v []float64, want int) {
	if len(v) != want {
		panic(fmt.Sprintf("sim: %s has %d elements, want %d", name, len(v), want))
	}
}
