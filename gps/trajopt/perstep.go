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
	// Anchored tells that no etas up to MaxEta kept the bounds, so that Controller is a
	// copy of the anchor.
	Anchored bool
}

// UpdatePerStep bounds the KL at every step: epsilon (nat, > 0) and eta0 (> 0) have T
// entries. It minimises the expected cost plus sum_t eta_t KL_t: unlike the reference's
// search (Bisection) its value function holds the KL of the later steps too, and the
// controller that it returns is never above (1 + Tolerance) epsilon_t. Steps whose bound is
// inactive have MinEta. Errors wrap lqg.ErrNotFinite or lqg.ErrIndefinite, and with
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
	if o.cfg.Search == Bisection {
		return o.adam(p, epsilon, eta0)
	}
	return o.alternate(p, epsilon, eta0), nil
}

// maxDamping bounds the share that the alternation's last etas keep where it circles.
const maxDamping = 0.9

// alternate repeats a backward pass, which finds every step's eta for its new Q function
// under the marginals last seen, and a forward sweep, which finds it for the same Q
// functions under the marginals that the sweep itself makes. Both end at the same etas when
// they settle: mostly in the first or second pass.
func (o *Optimizer) alternate(p *Problem, epsilon, eta0 []float64) *PerStepResult {
	q := newQFunctions(o)
	eta, next := slices.Clone(eta0), make([]float64, o.T)
	for t := range eta {
		eta[t] = math.Min(math.Max(eta[t], o.cfg.MinEta), o.cfg.MaxEta)
	}
	passes, damping, moved := 0, 0.0, math.Inf(1)
	for passes < o.cfg.MaxPasses {
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
			return o.perStepResult(p, o.trial, o.klStep, eta, passes)
		}
		last := moved
		moved = o.sweep(p, q, eta, next, epsilon)
		if passes > 2 && moved > 0.7*last {
			damping = math.Min(maxDamping, (1+damping)/2)
		}
	}
	// Where it does not settle, raising all etas together makes a pass feasible that they
	// belong to.
	for raised := true; raised; {
		raised = false
		for t, v := range eta {
			eta[t] = math.Min(2*v, o.cfg.MaxEta)
			raised = raised || eta[t] > v
		}
		passes++
		if !q.backward(eta, func(t int) float64 { return eta[t] }) {
			continue
		}
		if above, _ := o.beyond(p, q, eta, epsilon); !above {
			return o.perStepResult(p, o.trial, o.klStep, eta, passes)
		}
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

// sweep finds the etas step by step under the marginals of the steps already chosen, which
// it leaves in o.marginal. It returns how far log eta moved at most.
func (o *Optimizer) sweep(p *Problem, q *qFunctions, eta, next, epsilon []float64) (moved float64) {
	o.forward.Start(o.marginal, p.X0)
	for t := range next {
		q.meet(o.marginal, t)
		next[t] = q.root(t, eta[t], epsilon[t])
		moved = math.Max(moved, math.Abs(math.Log(next[t]/eta[t])))
		if !q.controller(o.trial, t, next[t]) {
			o.trial.CopyStep(o.problem.standard, t)
		}
		o.forward.Step(o.marginal, o.trial, o.problem.dynamics, t)
	}
	return moved
}

func (o *Optimizer) perStepResult(p *Problem, c *lqg.Controller, klStep, eta []float64, passes int) *PerStepResult {
	r := &PerStepResult{Controller: lqg.NewController(o.T, o.dX, o.dU), Eta: slices.Clone(eta), KLPerStep: slices.Clone(klStep), Passes: passes}
	restore(r.Controller, c, p.Anchor)
	return r
}
