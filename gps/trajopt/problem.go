package trajopt

import (
	"fmt"
	"math"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/lqg"
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

// validate returns an error for what no choice of eta could mend: entries that are not
// finite, and covariances that are none.
func (p *Problem) validate() error {
	if err := p.Anchor.Validate(); err != nil {
		return fmt.Errorf("trajopt: anchor: %w", err)
	}
	if !(p.MaxEnt >= 0) || math.IsInf(p.MaxEnt, 0) {
		return fmt.Errorf("trajopt: weight of the entropy is %v, need a finite number >= 0", p.MaxEnt)
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
		for t, v := range c.Weight {
			if !(v >= 0) || math.IsInf(v, 0) {
				return fmt.Errorf("trajopt: policy's weight at time step %d is %v, need a finite number >= 0", t, v)
			}
		}
		parts = append(parts, part{"policy's multipliers' gain", T, c.DualGain}, part{"policy's multipliers' bias", T, c.DualBias},
			part{"policy's quadratic term", T, c.Surrogate.Quad}, part{"policy's linear term", T, c.Surrogate.Lin})
	}
	for _, part := range parts {
		if i := dense.FirstNotFinite(part.data); i >= 0 {
			return fmt.Errorf("%w: %s at time step %d is %v", lqg.ErrNotFinite, part.name, i*part.steps/len(part.data), part.data[i])
		}
	}
	dX := p.Anchor.DX
	work := make([]float64, dX*dX)
	if what := notCovariance(p.X0.Cov, work, dX); what != "" {
		return fmt.Errorf("trajopt: initial covariance: %w: it %s, and must be symmetric and positive semi-definite", lqg.ErrIndefinite, what)
	}
	for t := range T {
		if what := notCovariance(p.Dynamics.CovAt(t), work, dX); what != "" {
			return fmt.Errorf("trajopt: dynamics covariance at time step %d: %w: it %s, and must be symmetric and positive semi-definite", t, lqg.ErrIndefinite, what)
		}
	}
	return nil
}

// roundOff is how far below zero an eigenvalue of a covariance may lie, relative to its
// largest entry, and how far from symmetric it may be: what a fit leaves.
const roundOff = 1e-6

// notCovariance returns what keeps a (n x n) from being a covariance, "" if nothing does.
func notCovariance(a, work []float64, n int) string {
	largest := 0.0
	for i := range n {
		largest = math.Max(largest, math.Abs(a[i*n+i]))
	}
	for i := range n {
		for j := range i {
			if !(math.Abs(a[i*n+j]-a[j*n+i]) <= roundOff*(largest+math.Abs(a[i*n+j]))) {
				return fmt.Sprintf("has %.6g at (%d, %d) and %.6g at (%d, %d)", a[i*n+j], i, j, a[j*n+i], j, i)
			}
		}
	}
	copy(work, a)
	for i := range n {
		work[i*n+i] += roundOff*largest + 1e-300
	}
	if dense.Cholesky(work, n) {
		return ""
	}
	return dense.Spectrum(a, n, n)
}
