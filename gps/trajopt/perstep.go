package trajopt

import (
	"fmt"
	"math"
	"slices"

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
// is active, below (1 - Tolerance) epsilon_t. Steps whose bound is inactive have MinEta. Errors wrap lqg.ErrNotFinite or lqg.ErrIndefinite, and with
// Bisection, which takes no policy term and no entropy, ErrNoController; parts of another
// size than the optimizer's panic.
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
	var r *PerStepResult
	if o.cfg.Search == Bisection {
		var err error
		if r, err = o.adam(p, epsilon, eta0); err != nil {
			return nil, err
		}
	} else {
		r = o.alternate(p, epsilon, eta0)
	}
	if err := r.Controller.Validate(); err != nil {
		return nil, fmt.Errorf("trajopt: the new controller: %w", err)
	}
	return r, nil
}

// maxDamping bounds the share that the alternation's last etas keep where it circles.
const maxDamping = 0.9

// alternate repeats a backward pass, which finds every step's eta for its new Q function
// under the marginals last seen, and a forward sweep, which finds it for the same Q
// functions under the marginals that the sweep itself makes. Both end at the same etas when
// they settle: mostly in the first or second pass. Every sweep keeps all bounds and uses
// them; where the two do not settle the sweep of the lowest objective is returned.
func (o *Optimizer) alternate(p *Problem, epsilon, eta0 []float64) *PerStepResult {
	q := newQFunctions(o)
	eta := slices.Clone(eta0)
	for t := range eta {
		eta[t] = math.Min(math.Max(eta[t], o.cfg.MinEta), o.cfg.MaxEta)
	}
	s := &sweep{Optimizer: o, q: q, epsilon: epsilon, eta: make([]float64, o.T), bestEta: make([]float64, o.T), costs: make([]float64, o.T+1)}
	passes, damping, moved := 0, 0.0, math.Inf(1)
	for passes < o.cfg.MaxPassesPerStep {
		passes++
		if !q.backward(eta, func(t int) float64 {
			q.meet(o.marginal, t)
			root := q.root(t, eta[t], epsilon[t])
			damped := root * math.Pow(eta[t]/root, damping)
			if least := q.least(t); least+damped <= 0.5*(least+root) {
				return root // nearer still Q_uu turns indefinite
			}
			if damped < 1.5*o.cfg.MinEta {
				return o.cfg.MinEta
			}
			return damped
		}) {
			break
		}
		if above, below := o.beyond(p, q, eta, epsilon); !above && !below {
			r := o.perStepResult(p, o.trial, o.klStep, eta, passes)
			r.Settled = true
			return r
		}
		last := moved
		moved = s.run(p, eta)
		if passes > 2 && moved > 0.7*last {
			damping = math.Min(maxDamping, (1+damping)/2)
		}
	}
	// No pass came through: larger etas bring it nearer to the anchor's, which is finite.
	for factor, raised := 2.0, true; raised && !s.found; factor *= factor {
		raised = false
		for t, v := range eta {
			eta[t] = math.Min(factor*v, o.cfg.MaxEta)
			raised = raised || eta[t] > v
		}
		passes++
		if q.backward(eta, func(t int) float64 { return eta[t] }) {
			s.run(p, eta)
		}
	}
	if s.found {
		r := o.perStepResult(p, o.best, o.bestStep, s.bestEta, passes)
		r.Anchored = !slices.ContainsFunc(o.bestStep, func(kl float64) bool { return kl > 0 })
		return r
	}
	for t := range eta {
		eta[t] = o.cfg.MaxEta
	}
	r := o.perStepResult(p, o.problem.standard, make([]float64, o.T), eta, passes)
	r.Anchored = true
	return r
}

// beyond evaluates the controller of the etas into o.trial, o.klStep and o.marginal. It
// reports whether a step's KL is above its bound, and whether one is below though its eta
// could fall.
func (o *Optimizer) beyond(p *Problem, q *qFunctions, eta, epsilon []float64) (above, below bool) {
	for t, v := range eta {
		if !q.controller(o.trial, t, v) {
			return true, false
		}
	}
	if _, err := o.divergence(p); err != nil {
		return true, false
	}
	for t, kl := range o.klStep {
		above = above || kl > (1+o.cfg.Tolerance)*epsilon[t]
		below = below || kl < (1-o.cfg.Tolerance)*epsilon[t] && eta[t] > o.cfg.MinEta
	}
	return above, below
}

// sweep chooses controllers forward in time, for given Q functions, and keeps the best.
type sweep struct {
	*Optimizer
	q       *qFunctions
	epsilon []float64
	eta     []float64 // of the latest sweep, T
	// found tells that best, bestStep and bestEta hold a sweep, of the given objective.
	found     bool
	objective float64
	bestEta   []float64
	costs     []float64 // workspace, T+1
}

// run finds the etas step by step under the marginals of the steps already chosen, which it
// leaves in s.marginal: each step's KL is its bound, by construction. A step that no eta
// brings within its bound stays at the anchor. start is where the search of each eta
// begins; run returns how far log eta moved from there at most.
func (s *sweep) run(p *Problem, start []float64) (moved float64) {
	if !s.cfg.PreviousMarginals {
		s.forward.Start(s.marginal, p.X0)
	}
	for t := range s.eta {
		s.q.meet(s.marginal, t)
		v := s.q.root(t, start[t], s.epsilon[t])
		s.eta[t] = v
		moved = math.Max(moved, math.Abs(math.Log(v/start[t])))
		if !(s.q.divergence(t, v) <= (1+s.cfg.Tolerance)*s.epsilon[t]) || !s.q.controller(s.trial, t, v) {
			s.eta[t] = s.cfg.MaxEta
			s.trial.CopyStep(s.problem.standard, t)
		}
		if !s.cfg.PreviousMarginals {
			s.forward.Step(s.marginal, s.trial, s.problem.dynamics, t)
		}
	}
	if _, err := s.measure(); err != nil {
		return moved
	}
	for t, kl := range s.klStep {
		if kl > (1+s.cfg.Tolerance)*s.epsilon[t] {
			return moved
		}
	}
	if v := s.expected(); !s.found || v < s.objective {
		s.found, s.objective = true, v
		s.keep()
		copy(s.bestEta, s.eta)
	}
	return moved
}

// expected returns the objective without the KL terms, E[cost] - w H up to a constant, of
// the latest sweep; +Inf where it overflows.
func (s *sweep) expected() float64 {
	v := lqg.ExpectedCost(s.costs, s.problem.objective.Cost, s.marginal)
	for t := range s.T {
		if w := s.problem.objective.Weight(t); w > 0 {
			v -= 0.5 * w * s.trial.LogDet(t)
		}
	}
	if math.IsNaN(v) {
		return math.Inf(1)
	}
	return v
}

func (o *Optimizer) perStepResult(p *Problem, c *lqg.Controller, klStep, eta []float64, passes int) *PerStepResult {
	r := &PerStepResult{Controller: lqg.NewController(o.T, o.dX, o.dU), Eta: slices.Clone(eta), KLPerStep: slices.Clone(klStep), Passes: passes}
	restore(r.Controller, c, p.Anchor)
	return r
}
