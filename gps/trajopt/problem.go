package trajopt

import (
	"fmt"
	"math"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/trace"
)

// Problem is one condition's model and cost.
type Problem struct {
	Dynamics *lqg.Dynamics
	X0       *lqg.InitialState
	Cost     *lqg.Cost
	// Anchor is the controller (or linearised policy) that the KL is measured from.
	Anchor *lqg.Controller
	// MaxEnt is the weight of the maximum-entropy term, >= 0, in the cost's unit per nat.
	MaxEnt float64
	// Policy is BADMM's policy term, else nil.
	Policy *lqg.PolicyTerm
	// ReferenceScale is that of lqg.Objective; one bound per step does not use it.
	ReferenceScale bool
	// Trace is where the search records its passes and what it ends with; nil for nowhere. The other
	// parts must not change then until that is written, but for Policy.
	Trace *trace.Scope
}

// check panics with the part that is missing, or with both shapes if they are not of one
// size.
func (p *Problem) check(T, dX, dU int) {
	for _, part := range []struct {
		name    string
		missing bool
	}{{"problem", p == nil}, {"Anchor", p != nil && p.Anchor == nil}, {"Dynamics", p != nil && p.Dynamics == nil}, {"Cost", p != nil && p.Cost == nil}, {"X0", p != nil && p.X0 == nil}} {
		if part.missing {
			panic(fmt.Sprintf("trajopt: the %s is nil, in a problem for an optimizer for T=%d dX=%d dU=%d", part.name, T, dX, dU))
		}
	}
	a, f, c := p.Anchor, p.Dynamics, p.Cost
	if a.T != T || a.DX != dX || a.DU != dU || f.T != T || f.DX != dX || f.DU != dU || c.T != T || c.DX != dX || c.DU != dU || len(p.X0.Mean) != dX || len(p.X0.Cov) != dX*dX {
		panic(fmt.Sprintf("trajopt: optimizer for T=%d dX=%d dU=%d, anchor of T=%d dX=%d dU=%d, dynamics of T=%d dX=%d dU=%d, cost of T=%d dX=%d dU=%d, initial state of a mean of %d and a covariance of %d numbers",
			T, dX, dU, a.T, a.DX, a.DU, f.T, f.DX, f.DU, c.T, c.DX, c.DU, len(p.X0.Mean), len(p.X0.Cov)))
	}
	if c := p.Policy; c != nil && (c.Surrogate == nil || c.Surrogate.T != T || c.Surrogate.DX != dX || c.Surrogate.DU != dU || len(c.Weight) != T || len(c.DualGain) != T*dU*dX || len(c.DualBias) != T*dU) {
		panic(fmt.Sprintf("trajopt: T=%d dX=%d dU=%d need a policy term with a surrogate of the same size, %d weights and multipliers of %d and %d numbers, got surrogate %v, %d, %d and %d",
			T, dX, dU, T, T*dU*dX, T*dU, c.Surrogate != nil, len(c.Weight), len(c.DualGain), len(c.DualBias)))
	}
	d := dX + dU
	if len(f.F) != T*dX*d || len(f.Bias) != T*dX || len(f.Cov) != T*dX*dX || len(c.Quad) != (T+1)*d*d || len(c.Lin) != (T+1)*d {
		panic(fmt.Sprintf("trajopt: T=%d dX=%d dU=%d need dynamics of %d, %d and %d numbers and a cost of %d and %d, got %d, %d, %d, %d and %d",
			T, dX, dU, T*dX*d, T*dX, T*dX*dX, (T+1)*d*d, (T+1)*d, len(f.F), len(f.Bias), len(f.Cov), len(c.Quad), len(c.Lin)))
	}
}

// validateWeights is the part of validate that looks at the anchor and the weights.
func (p *Problem) validateWeights() error {
	if err := p.Anchor.Validate(); err != nil {
		return fmt.Errorf("trajopt: anchor: %w", err)
	}
	if !(p.MaxEnt >= 0) || math.IsInf(p.MaxEnt, 0) {
		return fmt.Errorf("trajopt: weight of the entropy is %v, need a finite number >= 0", p.MaxEnt)
	}
	if c := p.Policy; c != nil {
		for t, v := range c.Weight {
			if !(v >= 0) || math.IsInf(v, 0) {
				return fmt.Errorf("trajopt: policy's weight at time step %d is %v, need a finite number >= 0", t, v)
			}
		}
	}
	return nil
}

// validate returns an error for what no choice of eta could mend: entries that are not
// finite, and covariances that are none.
func (p *Problem) validate() error {
	if err := p.validateWeights(); err != nil {
		return err
	}
	T := p.Anchor.T
	type part struct {
		name  string
		steps int
		data  []float64
	}
	parts := []part{
		{"dynamics F", T, p.Dynamics.F}, {"dynamics f", T, p.Dynamics.Bias}, {"dynamics covariance", T, p.Dynamics.Cov},
		{"cost's quadratic term", T + 1, p.Cost.Quad}, {"cost's linear term", T + 1, p.Cost.Lin},
		{"initial mean", 1, p.X0.Mean}, {"initial covariance", 1, p.X0.Cov},
	}
	if c := p.Policy; c != nil {
		parts = append(parts, part{"policy's multipliers' gain", T, c.DualGain}, part{"policy's multipliers' bias", T, c.DualBias},
			part{"policy's quadratic term", T, c.Surrogate.Quad}, part{"policy's linear term", T, c.Surrogate.Lin})
	}
	for _, part := range parts {
		if i := dense.FirstNotFinite(part.data); i >= 0 {
			return fmt.Errorf("%w: %s at time step %d is %v", lqg.ErrNotFinite, part.name, i*part.steps/len(part.data), part.data[i])
		}
	}
	c := newCovariance(p.Anchor.DX)
	if what := c.fault(p.X0.Cov); what != "" {
		return fmt.Errorf("trajopt: initial covariance: %w: it %s, and must be symmetric and positive semi-definite", lqg.ErrIndefinite, what)
	}
	for t := range T {
		if what := c.fault(p.Dynamics.CovAt(t)); what != "" {
			return fmt.Errorf("trajopt: dynamics covariance at time step %d: %w: it %s, and must be symmetric and positive semi-definite", t, lqg.ErrIndefinite, what)
		}
	}
	return nil
}
