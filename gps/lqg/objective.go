package lqg

import (
	"fmt"
	"math"

	"guidedpolicysearch/gps/internal/riccati"
)

// Surrogate is the quadratic form of -log p(u_t|x_t), up to its constant, of a
// linear-Gaussian controller with precision P_t:
//
//	1/2 y' [K'PK, -K'P; -PK, P] y + [K'Pk; -Pk]' y
//
// It is what a KL term adds to a cost (Levine & Abbeel 2014, section 3).
type Surrogate struct {
	T, DX, DU int
	// Quad is T x D x D, Lin is T x D.
	Quad, Lin []float64
}

// NewSurrogate returns the quadratic form of -log c; c must pass Validate (Precision panics
// where a covariance has no inverse).
func NewSurrogate(c *Controller) *Surrogate {
	d := c.DX + c.DU
	s := &Surrogate{T: c.T, DX: c.DX, DU: c.DU, Quad: make([]float64, c.T*d*d), Lin: make([]float64, c.T*d)}
	s.Set(c, make([]float64, c.DU*c.DU))
	return s
}

// Set overwrites s with the quadratic form of -log c; precision is workspace, dU x dU.
func (s *Surrogate) Set(c *Controller, precision []float64) {
	dX, dU := c.DX, c.DU
	if s.T != c.T || s.DX != dX || s.DU != dU || len(precision) != dU*dU {
		panic(fmt.Sprintf("lqg: surrogate of T=%d dX=%d dU=%d of a controller of T=%d dX=%d dU=%d with a workspace of %d numbers", s.T, s.DX, s.DU, c.T, dX, dU, len(precision)))
	}
	d := dX + dU
	for t := range c.T {
		gain, quad, lin := c.Gain(t), block(s.Quad, t, d*d), block(s.Lin, t, d)
		c.surrogateActions(t, quad, lin, precision)
		// State block K'PK and K'Pk from the rows -PK and -Pk just written.
		for i := range dX {
			for j := range i + 1 {
				v := 0.0
				for l := range dU {
					v -= gain[l*dX+i] * quad[(dX+l)*d+j]
				}
				quad[i*d+j], quad[j*d+i] = v, v
			}
			v := 0.0
			for l := range dU {
				v -= gain[l*dX+i] * lin[dX+l]
			}
			lin[i] = v
		}
	}
}

// surrogateActions writes the rows and columns of u of step t's quadratic form of -log c:
// P, -PK and -Pk. precision is workspace, dU x dU.
func (c *Controller) surrogateActions(t int, quad, lin, precision []float64) {
	dX, dU, d := c.DX, c.DU, c.DX+c.DU
	c.Precision(precision, t)
	gain, bias := c.Gain(t), c.BiasAt(t)
	for i := range dU {
		pk := 0.0
		for j := range dU {
			quad[(dX+i)*d+dX+j] = precision[i*dU+j]
			pk += precision[i*dU+j] * bias[j]
		}
		lin[dX+i] = -pk
		for j := range dX {
			v := 0.0
			for l := range dU {
				v += precision[i*dU+l] * gain[l*dX+j]
			}
			quad[(dX+i)*d+j], quad[j*d+dX+i] = -v, -v
		}
	}
}

// PolicyTerm pulls a controller towards a linearised policy, as BADMM does
// (arXiv:1504.00702, section 4.2): nu_t times the policy's Surrogate is added to the
// cost, and the multipliers lambda_t = Gain x + Bias are subtracted from it.
type PolicyTerm struct {
	// Surrogate is that of the linearised policy; nil where the cost holds the policy's
	// part already, so that only the weights' share of the divisor is left.
	Surrogate *Surrogate
	// Weight holds nu_t >= 0, T.
	Weight []float64
	// DualGain (T x dU x dX) and DualBias (T x dU) are the Lagrange multipliers; not
	// read where Surrogate is nil.
	DualGain, DualBias []float64
}

// Objective is the cost of a backward pass as a function of the dual variable eta:
//
//	(C_t + eta S_t + nu_t S^pi_t - lambda) / (eta + nu_t + w)
//
// with C the cost, S the Surrogate of the controller (or linearised policy) that the KL
// bound is measured against, and w the weight of the maximum-entropy term. At t = T it
// is the cost over the same divisor, without action.
type Objective struct {
	Cost   *Cost
	Anchor *Surrogate
	// MaxEnt is the weight w >= 0 of the entropy term.
	MaxEnt float64
	// Policy is nil unless the algorithm is BADMM.
	Policy *PolicyTerm
	// ReferenceScale brings the value function of step t+1 to step t's divisor as the
	// public reference implementation does, without w. With a policy term whose weights
	// change and an entropy term the pass then minimises no objective.
	ReferenceScale bool
}

// check panics with the part that is missing, and with both shapes if they are not of one size.
func (o *Objective) check() {
	if o == nil {
		panic("lqg: backward pass without an objective")
	}
	if o.Cost == nil || o.Anchor == nil {
		panic(fmt.Sprintf("lqg: objective without a part: cost given %v, anchor %v", o.Cost != nil, o.Anchor != nil))
	}
	T, dX, dU := o.Cost.T, o.Cost.DX, o.Cost.DU
	if a := o.Anchor; a.T != T || a.DX != dX || a.DU != dU {
		panic(fmt.Sprintf("lqg: objective with a cost of T=%d dX=%d dU=%d and an anchor of T=%d dX=%d dU=%d", T, dX, dU, a.T, a.DX, a.DU))
	}
	p := o.Policy
	if p == nil {
		return
	}
	if len(p.Weight) != T {
		panic(fmt.Sprintf("lqg: objective with a cost of T=%d and a policy of %d weights", T, len(p.Weight)))
	}
	if s := p.Surrogate; s != nil && (s.T != T || s.DX != dX || s.DU != dU || len(p.DualGain) != T*dU*dX || len(p.DualBias) != T*dU) {
		panic(fmt.Sprintf("lqg: objective with a cost of T=%d dX=%d dU=%d and a policy of T=%d dX=%d dU=%d with multipliers of %d and %d numbers",
			T, dX, dU, s.T, s.DX, s.DU, len(p.DualGain), len(p.DualBias)))
	}
}

// divisible returns an error where the stages cannot be divided by eta and the weights.
func (o *Objective) divisible(eta float64) error {
	if !(eta >= 0) || math.IsInf(eta, 0) {
		return fmt.Errorf("%w: eta is %v, need a finite number >= 0", ErrNotFinite, eta)
	}
	for t := range o.Cost.T {
		if v := eta + o.Weight(t); !(v > 0) || math.IsInf(v, 0) {
			return fmt.Errorf("%w: the objective is divided by eta + the weights of entropy and policy, %v + %v at time step %d, need a finite sum > 0: use a larger eta, or a weight of the entropy (MaxEnt)", ErrNotFinite, eta, o.Weight(t), t)
		}
	}
	return nil
}

// Stage writes the quadratic (D x D) and linear (D) term at step t for the given eta.
func (o *Objective) Stage(t int, eta float64, quad, lin []float64) {
	o.WithoutAnchor(t, quad, lin)
	if t < o.Cost.T {
		d := o.Cost.DX + o.Cost.DU
		addScaled(quad, eta, block(o.Anchor.Quad, t, d*d))
		addScaled(lin, eta, block(o.Anchor.Lin, t, d))
	}
	scale := 1 / (eta + o.Weight(t))
	for i := range quad {
		quad[i] *= scale
	}
	for i := range lin {
		lin[i] *= scale
	}
}

// WithoutAnchor writes C_t + nu_t S^pi_t - lambda, D x D and D: the undivided stage
// without the anchor's part.
func (o *Objective) WithoutAnchor(t int, quad, lin []float64) {
	dX, dU := o.Cost.DX, o.Cost.DU
	d := dX + dU
	copy(quad, o.Cost.QuadAt(t))
	copy(lin, o.Cost.LinAt(t))
	p := o.Policy
	if p == nil || p.Surrogate == nil || t == o.Cost.T {
		return
	}
	for i := range dU {
		lin[dX+i] -= p.DualBias[t*dU+i]
		for j := range dX {
			l := p.DualGain[(t*dU+i)*dX+j]
			quad[(dX+i)*d+j] -= l
			quad[j*d+dX+i] -= l
		}
	}
	addScaled(quad, p.Weight[t], block(p.Surrogate.Quad, t, d*d))
	addScaled(lin, p.Weight[t], block(p.Surrogate.Lin, t, d))
}

// Weight returns nu_t + w, what the divisor of step t is above eta; at t = T it is that of
// the step before.
func (o *Objective) Weight(t int) float64 {
	if o.Policy == nil {
		return o.MaxEnt
	}
	return o.Policy.Weight[min(t, o.Cost.T-1)] + o.MaxEnt
}

// valueFactor returns what the undivided value function of step t+1 is multiplied by at step
// t; it is 1 but with the reference's scale.
func (o *Objective) valueFactor(t int, eta float64) float64 {
	if o.Policy == nil || !o.ReferenceScale {
		return 1
	}
	return riccati.ReferenceFactor(eta, o.MaxEnt, o.Policy.Weight, t)
}

func addScaled(dst []float64, a float64, src []float64) {
	for i, v := range src {
		dst[i] += a * v
	}
}
