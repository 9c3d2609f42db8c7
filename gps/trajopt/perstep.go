package trajopt

import (
	"fmt"
	"math"
	"slices"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/lqg"
)

// PerStepResult is the outcome of a search with one bound per time step.
type PerStepResult struct {
	Controller *lqg.Controller
	// Eta holds the dual variables that belong to Controller, T; KLPerStep the
	// divergences, T, in nat.
	Eta, KLPerStep []float64
	// Passes counts backward passes.
	Passes int
	// Settled tells that Controller is the one of a backward pass with Eta: with the KL of
	// every step within the tolerance of its bound, or below it at MinEta, it is the
	// problem's solution. Where it is false the passes circled (or, with Bisection, ended
	// beyond a bound): Controller is then a forward sweep over the Q functions of one of
	// them. It keeps the bounds and uses them, and each step's Eta is the one with those Q
	// functions, which belong to the etas of their own pass.
	Settled bool
	// Anchored tells that no etas up to MaxEta kept the bounds, so that Controller is a
	// copy of the anchor. (A single such step has MaxEta and a KL of 0.)
	Anchored bool
}

// UpdatePerStep bounds the KL at every step: epsilon (nat, > 0) and eta0 (> 0) have T
// entries. It minimises the expected cost plus sum_t eta_t KL_t: unlike the reference's
// search (Bisection) its value function holds the KL of the later steps too, and the
// controller that it returns is never above (1 + Tolerance) epsilon_t, nor, where the bound
// is active, below (1 - Tolerance) epsilon_t. Steps whose bound is inactive have MinEta.
// Errors wrap lqg.ErrNotFinite or lqg.ErrIndefinite, and with Bisection, which takes no
// policy term and no entropy, ErrNoController; parts of another size than the optimizer's
// panic.
func (o *Optimizer) UpdatePerStep(p *Problem, epsilon, eta0 []float64) (*PerStepResult, error) {
	T := o.T
	if len(epsilon) != T || len(eta0) != T {
		panic(fmt.Sprintf("trajopt: need %d bounds and etas, one per step, got %d and %d", T, len(epsilon), len(eta0)))
	}
	for t := range T {
		if !(epsilon[t] > 0) || !(eta0[t] > 0) || math.IsInf(epsilon[t], 0) || math.IsInf(eta0[t], 0) {
			return nil, fmt.Errorf("trajopt: KL bound %v and starting eta %v at time step %d must be finite and > 0", epsilon[t], eta0[t], t)
		}
	}
	if o.cfg.Search == Bisection && (p.Policy != nil || p.MaxEnt != 0) {
		return nil, fmt.Errorf("trajopt: search %q has no policy term and no entropy with one bound per step; use %q", Bisection, Secant)
	}
	if err := o.prepare(p); err != nil {
		return nil, err
	}
	s := o.prepareSteps(p)
	o.seen = newRecording(p.Trace)
	defer o.seen.stop()
	p.Trace.Array("bound", epsilon)
	var r *PerStepResult
	if o.cfg.Search == Bisection {
		var err error
		if r, err = s.adam(epsilon, eta0); err != nil {
			return nil, err
		}
	} else {
		r = s.alternate(epsilon, eta0)
	}
	if err := r.Controller.Validate(); err != nil {
		return nil, fmt.Errorf("trajopt: the new controller: %w", err)
	}
	o.seen.endSteps(o, p, r)
	return r, nil
}

// stepSearch is the workspace of searches with one bound per step.
type stepSearch struct {
	cfg       Config
	T, dX, dU int
	whole     *Optimizer

	// The problem in the anchor's units, row-major; standard is the anchor in them.
	x0       *lqg.InitialState
	cost     *lqg.Cost
	dynamics *lqg.Dynamics
	standard *lqg.Controller

	backward *lqg.BackwardPass // of Bisection
	q        *qFunctions
	forward  *lqg.ForwardPass
	kl       *lqg.Divergence
	marginal *lqg.Trajectory
	// trial is the controller of the latest pass or sweep, best one to go back to; both of
	// whitened actions.
	trial, best      *lqg.Controller
	klStep, bestStep []float64
	costs            []float64 // T+1
}

// prepareSteps returns the workspace with the problem that prepare packed. It leaves the
// marginals under the anchor there.
func (o *Optimizer) prepareSteps(p *Problem) *stepSearch {
	T, dX, dU := o.T, o.dX, o.dU
	s := o.steps
	if s == nil {
		s = &stepSearch{cfg: o.cfg, T: T, dX: dX, dU: dU, whole: o,
			cost: lqg.NewCost(T, dX, dU), dynamics: lqg.NewDynamics(T, dX, dU), standard: lqg.NewController(T, dX, dU),
			backward: lqg.NewBackwardPass(dX, dU), q: newQFunctions(o), forward: lqg.NewForwardPass(dX, dU), kl: lqg.NewDivergence(dX, dU), marginal: lqg.NewTrajectory(T, dX, dU),
			trial: lqg.NewController(T, dX, dU), best: lqg.NewController(T, dX, dU),
			klStep: make([]float64, T), bestStep: make([]float64, T), costs: make([]float64, T+1)}
		o.steps = s
		for t := range T {
			o.standard.Get(t, s.standard.Gain(t), s.standard.BiasAt(t), s.standard.CholAt(t))
		}
	}
	s.x0, s.backward.Floor, s.q.floor = p.X0, o.floor, o.floor
	o.unpackDynamics(s.dynamics)
	for t := range T + 1 {
		o.problem.Cost(t, s.cost.QuadAt(t), s.cost.LinAt(t))
	}
	s.forward.Start(s.marginal, p.X0)
	for t := range T {
		s.forward.Step(s.marginal, s.standard, s.dynamics, t)
	}
	return s
}

// divergence measures s.trial under its marginals, or those that prepareSteps left.
func (s *stepSearch) divergence() (kl float64, err error) {
	if !s.cfg.PreviousMarginals {
		if err := s.forward.Run(s.marginal, s.x0, s.trial, s.dynamics); err != nil {
			return math.Inf(1), err
		}
	}
	return s.measure()
}

// measure measures s.trial under s.marginal into s.klStep.
func (s *stepSearch) measure() (kl float64, err error) {
	if s.cfg.MeanStates {
		kl = s.kl.PerStepAtMeans(s.klStep, s.trial, s.standard, s.marginal)
	} else {
		kl = s.kl.PerStep(s.klStep, s.trial, s.standard, s.marginal)
	}
	if i := dense.FirstNotFinite(s.klStep); i >= 0 || math.IsInf(kl, 0) {
		return kl, fmt.Errorf("%w: the KL divergence overflows at time step %d", lqg.ErrNotFinite, max(i, 0))
	}
	return kl, nil
}

// maxDamping bounds the share that the alternation's last etas keep where it circles.
const maxDamping = 0.9

// alternate repeats a backward pass, which finds every step's eta for its new Q function
// under the marginals last seen, and a forward sweep, which finds it for the same Q
// functions under the marginals that the sweep itself makes. Both end at the same etas when
// they settle: mostly in the first or second pass. Every sweep keeps all bounds and uses
// them; where the two do not settle the sweep of the lowest objective is returned.
func (s *stepSearch) alternate(epsilon, eta0 []float64) *PerStepResult {
	q := s.q
	eta := slices.Clone(eta0)
	for t := range eta {
		eta[t] = math.Min(math.Max(eta[t], s.cfg.MinEta), s.cfg.MaxEta)
	}
	w := &sweep{stepSearch: s, epsilon: epsilon, eta: make([]float64, s.T), bestEta: make([]float64, s.T)}
	passes, damping, moved := 0, 0.0, math.Inf(1)
	for passes < s.cfg.MaxPassesPerStep {
		passes++
		if !q.backward(eta, func(t int) float64 {
			q.meet(s.marginal, t)
			root := q.root(t, eta[t], epsilon[t])
			damped := root * math.Pow(eta[t]/root, damping)
			if least := q.least(t); least+damped <= 0.5*(least+root) {
				return root // nearer still Q_uu turns indefinite
			}
			if damped < 1.5*s.cfg.MinEta {
				return s.cfg.MinEta
			}
			return damped
		}) {
			break
		}
		above, below := s.beyond(eta, epsilon)
		s.whole.seen.passSteps(eta, s.klStep)
		if !above && !below {
			r := s.perStepResult(s.trial, s.klStep, eta, passes)
			r.Settled = true
			return r
		}
		last := moved
		moved = w.run(eta)
		if passes > 2 && moved > 0.7*last {
			damping = math.Min(maxDamping, (1+damping)/2)
		}
	}
	// No pass came through: larger etas bring it nearer to the anchor's, which is finite.
	for factor, raised := 2.0, true; raised && !w.found; factor *= factor {
		raised = false
		for t, v := range eta {
			eta[t] = math.Min(factor*v, s.cfg.MaxEta)
			raised = raised || eta[t] > v
		}
		passes++
		if q.backward(eta, func(t int) float64 { return eta[t] }) {
			w.run(eta)
		}
	}
	if w.found {
		r := s.perStepResult(s.best, s.bestStep, w.bestEta, passes)
		r.Anchored = !slices.ContainsFunc(s.bestStep, func(kl float64) bool { return kl > 0 })
		return r
	}
	for t := range eta {
		eta[t] = s.cfg.MaxEta
	}
	r := s.perStepResult(s.standard, make([]float64, s.T), eta, passes)
	r.Anchored = true
	return r
}

// beyond evaluates the controller of the etas into s.trial, s.klStep and s.marginal. It
// reports whether a step's KL is above its bound, and whether one is below though its eta
// could fall.
func (s *stepSearch) beyond(eta, epsilon []float64) (above, below bool) {
	for t, v := range eta {
		if !s.q.controller(s.trial, t, v) {
			return true, false
		}
	}
	if _, err := s.divergence(); err != nil {
		return true, false
	}
	for t, kl := range s.klStep {
		above = above || kl > (1+s.cfg.Tolerance)*epsilon[t]
		below = below || kl < (1-s.cfg.Tolerance)*epsilon[t] && eta[t] > s.cfg.MinEta
	}
	return above, below
}

func (s *stepSearch) perStepResult(c *lqg.Controller, klStep, eta []float64, passes int) *PerStepResult {
	r := &PerStepResult{Controller: lqg.NewController(s.T, s.dX, s.dU), Eta: slices.Clone(eta), KLPerStep: slices.Clone(klStep), Passes: passes}
	packed := s.whole.trial
	for t := range s.T {
		packed.Set(t, c.Gain(t), c.BiasAt(t), c.CholAt(t))
	}
	s.whole.restore(r.Controller, packed)
	return r
}
