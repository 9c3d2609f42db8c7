package trajopt

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"guidedpolicysearch/gps/lqg"
)

// PerStepResult is the outcome of a search with one bound per time step.
type PerStepResult struct {
	Controller *lqg.Controller
	// Eta holds the dual variables, T; KLPerStep the divergences, T, in nat.
	Eta, KLPerStep []float64
	// Passes counts evaluations of the backward pass.
	Passes int
}

// Settings of the per-step search: passes that bracket, then passes of Adam on eta.
const (
	perStepBracketPasses = 20
	perStepAdamPasses    = 200
	adamStep             = 0.005
	adamBeta1            = 0.9
	adamBeta2            = 0.999
	adamEpsilon          = 1e-8
)

// UpdatePerStep bounds the KL at every step: epsilon and eta0 have T entries. The etas
// are bracketed together for 20 passes and then moved by Adam for up to 200; the search
// ends when every step's KL is within the tolerance of its bound. Adam leaves the last
// step's eta, which no state follows, alone.
func (o *Optimizer) UpdatePerStep(p *Problem, epsilon, eta0 []float64) (*PerStepResult, error) {
	T := p.Anchor.T
	if len(epsilon) != T || len(eta0) != T {
		panic(fmt.Sprintf("trajopt: need %d bounds and etas, one per step, got %d and %d", T, len(epsilon), len(eta0)))
	}
	for t := range T {
		if !(epsilon[t] > 0) || !(eta0[t] > 0) || math.IsInf(epsilon[t], 0) || math.IsInf(eta0[t], 0) {
			return nil, fmt.Errorf("trajopt: KL bound %v and starting eta %v at time step %d must be finite and > 0", epsilon[t], eta0[t], t)
		}
	}
	if err := p.validate(); err != nil {
		return nil, err
	}
	o.backward.PropagateUnder = nil
	if o.cfg.PropagateAnchor {
		o.backward.PropagateUnder = p.Anchor
	}
	if o.cfg.PreviousMarginals {
		o.forward.Run(o.marginal, p.X0, p.Anchor, p.Dynamics)
	}
	eta := slices.Clone(eta0)
	lo, hi := make([]float64, T), make([]float64, T)
	for t := range T {
		lo[t], hi[t] = o.cfg.MinEta, o.cfg.MaxEta
	}
	passes := 0
	for range perStepBracketPasses {
		passes++
		if err := o.evaluatePerStep(p, eta); err != nil {
			return nil, err
		}
		if o.withinPerStep(epsilon) {
			return o.perStepResult(eta, passes), nil
		}
		for t := range T {
			lo[t], hi[t], eta[t] = nextEta(lo[t], hi[t], eta[t], o.klStep[t] < epsilon[t])
		}
	}
	m, v := make([]float64, T-1), make([]float64, T-1)
	for itr := range perStepAdamPasses {
		passes++
		if err := o.evaluatePerStep(p, eta); err != nil {
			return nil, err
		}
		if o.withinPerStep(epsilon) {
			break
		}
		c1 := 1 - math.Pow(adamBeta1, float64(itr+1))
		c2 := 1 - math.Pow(adamBeta2, float64(itr+1))
		for t := range T - 1 {
			g := o.klStep[t] - epsilon[t]
			m[t] = adamBeta1*m[t] + (1-adamBeta1)*g
			v[t] = adamBeta2*v[t] + (1-adamBeta2)*g*g
			next := eta[t] + adamStep*(m[t]/c1)/(math.Sqrt(v[t]/c2)+adamEpsilon)
			eta[t] = math.Min(math.Max(next, o.cfg.MinEta), o.cfg.MaxEta)
		}
	}
	return o.perStepResult(eta, passes), nil
}

// evaluatePerStep runs one pass; where Q_uu is not positive definite the eta of that
// step is raised by a doubling increment, in place.
func (o *Optimizer) evaluatePerStep(p *Problem, eta []float64) error {
	start := slices.Clone(eta)
	increment := make([]float64, len(eta))
	for {
		err := o.backward.RunPerStep(o.trial, p.Cost, p.Dynamics, p.Anchor, eta)
		var indefinite *lqg.IndefiniteError
		if err == nil {
			_, err = o.divergence(p)
			return err
		}
		if !errors.As(err, &indefinite) {
			return err
		}
		t := indefinite.Step
		increment[t] = math.Max(indefiniteIncrement, 2*increment[t])
		if eta[t] = start[t] + increment[t]; eta[t] >= o.cfg.MaxEta {
			return fmt.Errorf("%w at time step %d up to eta %.3g: %w", ErrNoController, t, eta[t], err)
		}
	}
}

func (o *Optimizer) withinPerStep(epsilon []float64) bool {
	for t := range epsilon {
		if math.Abs(o.klStep[t]-epsilon[t]) >= o.cfg.Tolerance*epsilon[t] {
			return false
		}
	}
	return true
}

func (o *Optimizer) perStepResult(eta []float64, passes int) *PerStepResult {
	return &PerStepResult{Controller: o.trial.Clone(), Eta: slices.Clone(eta), KLPerStep: slices.Clone(o.klStep), Passes: passes}
}
