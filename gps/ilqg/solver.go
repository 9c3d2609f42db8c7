package ilqg

import (
	"errors"
	"fmt"
	"math"

	"guidedpolicysearch/gps/cost"
	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/rollout"
)

// Status says how a descent stands.
type Status string

const (
	// Running is a descent that goes on.
	Running Status = "running"
	// Converged is the end at an improvement below Config.Tolerance.
	Converged Status = "converged"
	// Stalled is the end at Config.MaxLambda: no step improves, however short, or after the
	// first iteration there is no model to make one with.
	Stalled Status = "stalled"
	// Unbounded is the end at a cost below -1e150, or from where a step leads to one of
	// -Inf: there is no minimum to be found.
	Unbounded Status = "unbounded"
	// OutOfIterations is the end at Config.MaxIterations.
	OutOfIterations Status = "out of iterations"
)

// Iteration reports one iteration: a backward pass, repeated while Q_uu is not positive
// definite, and a line search.
type Iteration struct {
	// Number counts from 1.
	Number int
	// Cost is the trajectory's cost afterwards; it never increases.
	Cost float64
	// Predicted and Actual are the improvements of the last step that the line search
	// tried, as the model had it and as it was.
	Predicted, Actual float64
	// Alpha is the step that was taken, 0 if none was.
	Alpha float64
	// Lambda is the regularisation that the step was computed with.
	Lambda float64
	// Passes is the number of backward passes.
	Passes int
	Status Status
}

// Solver descends from one trajectory to the next. It owns its workspace: two goroutines
// must not use one at once.
type Solver struct {
	problem Problem
	config  Config
	back    *backward

	current, next *rollout.Rollout
	costs         []float64 // per step, T+1
	expansion     *cost.Expansion
	fy            []float64 // T x dX x D

	total  float64
	lambda float64
	stale  bool // fy and expansion do not belong to current
	// short counts the steps in a row of less than half the way.
	short int
	// bottomless is a trial of the last line search whose cost was -Inf.
	bottomless bool
	last       Iteration
}

// New returns a solver, or an error wrapping ErrConfig.
func New(p Problem, c Config) (*Solver, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &Solver{problem: p, config: c, back: newBackward(p.T, p.DX, p.DU),
		current: rollout.New(p.T, p.DX, p.DU), next: rollout.New(p.T, p.DX, p.DU), costs: make([]float64, p.T+1),
		expansion: cost.NewExpansion(p.T+1, p.DX, p.DU), fy: make([]float64, p.T*p.DX*(p.DX+p.DU))}, nil
}

// Start begins a descent at the trajectory from x0 (dX) under the controls (T x dU),
// brought between their bounds. An error wraps ErrNotFinite or ErrDiverged.
func (s *Solver) Start(x0, controls []float64) error {
	p := &s.problem
	checkLen("initial state", x0, p.DX)
	checkLen("controls", controls, p.T*p.DU)
	if err := checkFinite("initial state", x0, p.DX); err != nil {
		return err
	}
	if err := checkFinite("control", controls, p.DU); err != nil {
		return err
	}
	s.last, s.lambda, s.short, s.stale = Iteration{Status: Running}, s.config.Lambda, 0, true
	r := s.current
	copy(r.State(0), x0)
	copy(r.U, controls)
	for t := range p.T {
		p.clamp(r.Action(t))
		x := r.State(t + 1)
		p.Dynamics.Step(x, r.State(t), r.Action(t), t)
		if i := dense.FirstNotFinite(x); i >= 0 {
			return fmt.Errorf("%w: state element %d is %v at time step %d under the initial controls; use smaller ones", ErrDiverged, i, x[i], t+1)
		}
	}
	total, err := s.evaluate(r)
	if err != nil {
		return err
	}
	if !finite(total) {
		if err := checkFinite("cost", s.costs, 1); err != nil {
			return err
		}
		return fmt.Errorf("%w: the costs of the %d steps are finite, their sum is %v; scale the cost down", ErrNotFinite, len(s.costs), total)
	}
	s.total, s.last.Cost = total, total
	return nil
}

// Iterate takes one step of the descent and reports it. After its end, at a status other
// than Running, it changes nothing. It does not allocate. An error wraps ErrNotFinite,
// ErrIndefinite where at the first iteration no lambda makes Q_uu positive definite, or
// ErrUnbounded with the status Unbounded.
func (s *Solver) Iterate() (Iteration, error) {
	if s.last.Status != Running {
		return s.last, nil
	}
	it := Iteration{Number: s.last.Number + 1, Status: Running}
	if err := s.linearize(); err != nil {
		return it, err
	}
	for {
		failed, ok := s.back.pass(&s.problem, s.config.Regularization, s.lambda, s.current, s.fy, s.expansion)
		it.Passes++
		if ok {
			break
		}
		if lambda := s.lambda; !s.harder() {
			if it.Number > 1 {
				it.Cost, it.Lambda, it.Status = s.total, lambda, Stalled
				s.last = it
				return it, nil
			}
			return it, s.back.explain(s.config.Regularization, lambda, failed)
		}
	}
	it.Lambda = s.lambda
	if err := s.search(&it); err != nil {
		return it, err
	}
	it.Cost = s.total
	switch {
	case it.Alpha > 0:
		s.adapt(it.Alpha)
		if it.Actual <= s.config.Tolerance*(1+math.Abs(it.Cost)) {
			it.Status = Converged
		}
	case it.Predicted <= s.config.Tolerance*(1+math.Abs(it.Cost)):
		it.Status = Converged
	case !s.harder():
		it.Status = Stalled
	}
	if it.Status == Running && it.Number >= s.config.MaxIterations {
		it.Status = OutOfIterations
	}
	if it.Cost < leastCost || s.bottomless && (it.Status == Converged || it.Status == Stalled) {
		it.Status = Unbounded
	}
	s.last = it
	if it.Status == Unbounded {
		return it, s.unbounded()
	}
	return it, nil
}

// leastCost is where a cost counts as one without a lower bound: the squares in its model
// are about to leave the numbers of a float64.
const leastCost = -1e150

// unbounded says what runs off, and what to change.
func (s *Solver) unbounded() error {
	largest := func(v []float64) (at int) {
		for i := range v {
			if math.Abs(v[i]) > math.Abs(v[at]) {
				at = i
			}
		}
		return at
	}
	r, p := s.current, &s.problem
	i, j := largest(r.U), largest(r.X)
	fell := "too low for its square to be a number"
	if s.bottomless {
		fell = "and at the next step -Inf"
	}
	return fmt.Errorf("%w: it is %.3g, %s, with control %d at %.3g at time step %d and state element %d at %.3g at time step %d; "+
		"give every control and every state that grows a cost that rises with its size, or bound the controls; scale the cost down if its minimum is so low",
		ErrUnbounded, s.total, fell, i%p.DU, r.U[i], i/p.DU, j%p.DX, r.X[j], j/p.DX)
}

// Solve descends from the trajectory from x0 (dX) under the controls (T x dU) to the end.
// progress, which may be nil, is called after each iteration; an error of it ends the
// descent.
func (s *Solver) Solve(x0, controls []float64, progress func(Iteration) error) (Iteration, error) {
	if err := s.Start(x0, controls); err != nil {
		return s.last, err
	}
	for s.last.Status == Running {
		it, err := s.Iterate()
		if err != nil {
			return it, err
		}
		if progress != nil {
			if err := progress(it); err != nil {
				return it, err
			}
		}
	}
	return s.last, nil
}

// Trajectory returns the present states and controls, as a view that Iterate changes.
func (s *Solver) Trajectory() *rollout.Rollout { return s.current }

// Cost returns the cost of Trajectory.
func (s *Solver) Cost() float64 { return s.total }

// Gain returns K_t of the last backward pass, dU x dX, as a view: the control to apply at
// a state x close to the trajectory's x_t is u_t + K_t (x - x_t). Rows of controls at
// their bounds are zero.
func (s *Solver) Gain(t int) []float64 {
	n := s.problem.DU * s.problem.DX
	return s.back.gain[t*n : (t+1)*n : (t+1)*n]
}

// linearize brings derivatives and expansion up to date.
func (s *Solver) linearize() error {
	if !s.stale {
		return nil
	}
	p, d := &s.problem, s.problem.DX+s.problem.DU
	for t := range p.T {
		f := s.fy[t*p.DX*d : (t+1)*p.DX*d]
		p.Derivatives.Linearize(f, s.current.State(t), s.current.Action(t), t)
		if i := dense.FirstNotFinite(f); i >= 0 {
			return fmt.Errorf("%w: derivative of state element %d by element %d of [x; u] at time step %d is %v", ErrNotFinite, i/d, i%d, t, f[i])
		}
	}
	if err := p.Cost.Expand(s.expansion, s.current); errors.Is(err, cost.ErrNotFinite) {
		return fmt.Errorf("%w: %w", ErrNotFinite, err)
	} else if err != nil {
		return err
	}
	if err := checkExpansion(s.expansion); err != nil {
		return err
	}
	s.stale = false
	return nil
}

// search tries the steps alpha = 2^-i and takes the first that improves enough.
func (s *Solver) search(it *Iteration) error {
	s.bottomless = false
	for i := range s.config.Halvings + 1 {
		alpha := math.Ldexp(1, -i)
		it.Predicted = -(alpha*s.back.linear + alpha*alpha/2*s.back.quadratic)
		total, err := s.forward(alpha)
		if err != nil {
			return err
		}
		it.Actual = s.total - total
		if it.Predicted > 0 && it.Actual > 0 && it.Actual >= s.config.Accept*it.Predicted {
			s.current, s.next = s.next, s.current
			s.total, s.stale, it.Alpha = total, true, alpha
			return nil
		}
	}
	return nil
}

// forward runs the system under u + alpha k + K (x - x_t), into next, and returns the
// cost, +Inf if the trajectory or its cost leaves the finite numbers.
func (s *Solver) forward(alpha float64) (float64, error) {
	p, old, r := &s.problem, s.current, s.next
	copy(r.State(0), old.State(0))
	for t := range p.T {
		x, u := r.State(t), r.Action(t)
		for i, v := range old.Action(t) {
			u[i] = v + alpha*s.back.open[t*p.DU+i]
		}
		s.feedback(u, t, old.State(t), x)
		p.clamp(u)
		next := r.State(t + 1)
		p.Dynamics.Step(next, x, u, t)
		if dense.FirstNotFinite(u) >= 0 || dense.FirstNotFinite(next) >= 0 {
			return math.Inf(1), nil
		}
	}
	total, err := s.evaluate(r)
	if math.IsInf(total, -1) {
		s.bottomless = true
	}
	if errors.Is(err, ErrNotFinite) || !finite(total) {
		return math.Inf(1), nil
	}
	return total, err
}

// feedback adds K_t (x - nominal) to u.
func (s *Solver) feedback(u []float64, t int, nominal, x []float64) {
	gain, dX := s.Gain(t), s.problem.DX
	for i := range u {
		for j, v := range nominal {
			u[i] += gain[i*dX+j] * (x[j] - v)
		}
	}
}

// evaluate returns the cost of a trajectory; an error wraps ErrNotFinite where Cost says so.
func (s *Solver) evaluate(r *rollout.Rollout) (float64, error) {
	err := s.problem.Cost.Values(s.costs, r)
	if err != nil && !errors.Is(err, cost.ErrNotFinite) {
		return math.NaN(), err
	}
	total := 0.0
	for _, v := range s.costs {
		total += v
	}
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrNotFinite, err)
	}
	return total, err
}

// mostShort is how many short steps in a row raise lambda: the model holds for a part of
// the way only, time and again.
const mostShort = 3

// adapt changes lambda after a step: down after a whole one, up after short ones in a row.
// (At the largest lambda it stays: the step was an improvement all the same.)
func (s *Solver) adapt(alpha float64) {
	if alpha < 0.5 {
		s.short++
	} else {
		s.short = 0
	}
	switch {
	case s.short >= mostShort:
		s.harder()
	case alpha == 1:
		s.easier()
	}
}

// easier lowers lambda.
func (s *Solver) easier() {
	s.lambda /= s.config.LambdaFactor
	if s.lambda < s.config.MinLambda {
		s.lambda = 0
	}
}

// harder raises lambda and reports whether it could.
func (s *Solver) harder() bool {
	s.lambda = max(s.lambda*s.config.LambdaFactor, s.config.MinLambda)
	if s.lambda > s.config.MaxLambda {
		s.lambda = s.config.MaxLambda
		return false
	}
	return true
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
