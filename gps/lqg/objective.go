package lqg

// Surrogate is the quadratic form of -log p(u_t|x_t), up to its constant, of a
// linear-Gaussian controller with precision P_t:
//
//	1/2 y' [K'PK, -K'P; -PK, P] y + [K'Pk; -Pk]' y
//
// It is what a KL term adds to a cost (Levine & Abbeel 2014, section 3.1).
type Surrogate struct {
	T, DX, DU int
	// Quad is T x D x D, Lin is T x D.
	Quad, Lin []float64
}

// NewSurrogate returns the quadratic form of -log c.
func NewSurrogate(c *Controller) *Surrogate {
	d := c.DX + c.DU
	s := &Surrogate{T: c.T, DX: c.DX, DU: c.DU, Quad: make([]float64, c.T*d*d), Lin: make([]float64, c.T*d)}
	s.Set(c, make([]float64, c.DU*c.DU))
	return s
}

// Set overwrites s with the quadratic form of -log c; precision is workspace, dU x dU.
func (s *Surrogate) Set(c *Controller, precision []float64) {
	dX, dU := c.DX, c.DU
	d := dX + dU
	for t := range c.T {
		c.Precision(precision, t)
		gain, bias := c.Gain(t), c.BiasAt(t)
		quad, lin := block(s.Quad, t, d*d), block(s.Lin, t, d)
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

// PolicyTerm pulls a controller towards a linearised policy, as BADMM does
// (arXiv:1504.00702, section 4.2): nu_t times the policy's Surrogate is added to the
// cost, and the multipliers lambda_t = Gain x + Bias are subtracted from it.
type PolicyTerm struct {
	Surrogate *Surrogate
	// Weight holds nu_t, T.
	Weight []float64
	// DualGain (T x dU x dX) and DualBias (T x dU) are the Lagrange multipliers.
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
}

// Stage writes the quadratic (D x D) and linear (D) term at step t for the given eta.
func (o *Objective) Stage(t int, eta float64, quad, lin []float64) {
	dX, dU := o.Cost.DX, o.Cost.DU
	d := dX + dU
	copy(quad, o.Cost.QuadAt(t))
	copy(lin, o.Cost.LinAt(t))
	weight := 0.0
	if o.Policy != nil {
		weight = o.Policy.Weight[min(t, o.Cost.T-1)]
	}
	if t < o.Cost.T {
		if p := o.Policy; p != nil {
			for i := range dU {
				lin[dX+i] -= p.DualBias[t*dU+i]
				for j := range dX {
					l := p.DualGain[(t*dU+i)*dX+j]
					quad[(dX+i)*d+j] -= l
					quad[j*d+dX+i] -= l
				}
			}
			addScaled(quad, weight, block(p.Surrogate.Quad, t, d*d))
			addScaled(lin, weight, block(p.Surrogate.Lin, t, d))
		}
		addScaled(quad, eta, block(o.Anchor.Quad, t, d*d))
		addScaled(lin, eta, block(o.Anchor.Lin, t, d))
	}
	scale := 1 / (eta + weight + o.MaxEnt)
	for i := range quad[:d*d] {
		quad[i] *= scale
	}
	for i := range lin[:d] {
		lin[i] *= scale
	}
}

// valueScale returns the factor that brings the value function of step t+1 to the
// divisor of step t; it is 1 unless the policy weights change with time.
func (o *Objective) valueScale(t int, eta float64) float64 {
	if o.Policy == nil || t >= o.Cost.T-1 {
		return 1
	}
	w := o.Policy.Weight
	return (eta + w[t+1] + o.MaxEnt) / (eta + w[t] + o.MaxEnt)
}

func addScaled(dst []float64, a float64, src []float64) {
	for i, v := range src {
		dst[i] += a * v
	}
}
