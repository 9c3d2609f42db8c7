package policy

import (
	"fmt"
	"math"
	"slices"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
)

// Duals are BADMM's multipliers and weights of one condition: lambda_t(x) = Lambda_t x + lambda_t of
// the constraint that policy and controller have the same mean action, and nu_t of the divergence
// between them (arXiv:1504.00702, section 4.1).
type Duals struct {
	T, DX, DU int
	// Gain holds Lambda_t, T x dU x dX; Bias lambda_t, T x dU: in units of cost per unit of action.
	Gain, Bias []float64
	// Weight holds nu_t > 0, T.
	Weight []float64
}

// NewDuals returns multipliers of zero and the given weight at every step.
func NewDuals(T, dX, dU int, weight float64) *Duals {
	if T < 1 || dX < 1 || dU < 1 {
		panic(fmt.Sprintf("policy: need T, dX, dU >= 1, got T=%d dX=%d dU=%d", T, dX, dU))
	}
	d := &Duals{T: T, DX: dX, DU: dU, Gain: make([]float64, T*dU*dX), Bias: make([]float64, T*dU), Weight: make([]float64, T)}
	for t := range d.Weight {
		d.Weight[t] = weight
	}
	return d
}

// Clone returns a deep copy.
func (d *Duals) Clone() *Duals {
	return &Duals{T: d.T, DX: d.DX, DU: d.DU, Gain: slices.Clone(d.Gain), Bias: slices.Clone(d.Bias), Weight: slices.Clone(d.Weight)}
}

// Validate returns an error wrapping ErrInvalid unless lengths fit, numbers are finite and weights > 0.
func (d *Duals) Validate() error {
	if d.T < 1 || d.DX < 1 || d.DU < 1 || len(d.Gain) != d.T*d.DU*d.DX || len(d.Bias) != d.T*d.DU || len(d.Weight) != d.T {
		return fmt.Errorf("%w: multipliers of T=%d dX=%d dU=%d have %d gains, %d biases and %d weights", ErrInvalid, d.T, d.DX, d.DU, len(d.Gain), len(d.Bias), len(d.Weight))
	}
	for _, part := range []struct {
		name string
		data []float64
	}{{"gain", d.Gain}, {"bias", d.Bias}, {"weight", d.Weight}} {
		if i := dense.FirstNotFinite(part.data); i >= 0 {
			return fmt.Errorf("%w: multipliers' %s at time step %d is %v", ErrInvalid, part.name, i*d.T/len(part.data), part.data[i])
		}
	}
	for t, w := range d.Weight {
		if !(w > 0) {
			return fmt.Errorf("%w: weight at time step %d is %v, need a number > 0", ErrInvalid, t, w)
		}
	}
	return nil
}

// Term returns what the multipliers add to the objective of a controller's pass, beside the
// linearised policy, which must pass Validate. It shares the numbers.
func (d *Duals) Term(linearised *lqg.Controller) *lqg.PolicyTerm {
	d.check("linearised policy", linearised)
	return &lqg.PolicyTerm{Surrogate: lqg.NewSurrogate(linearised), Weight: d.Weight, DualGain: d.Gain, DualBias: d.Bias}
}

// Expected returns the sum over the time steps of E[lambda_t(x)'u], in the cost's unit, under the
// marginals of a controller: what they subtract from its expected cost.
func (d *Duals) Expected(marginals *lqg.Trajectory) float64 {
	if m := marginals; m.T != d.T || m.DX != d.DX || m.DU != d.DU {
		panic(fmt.Sprintf("policy: multipliers of T=%d dX=%d dU=%d under marginals of T=%d dX=%d dU=%d", d.T, d.DX, d.DU, m.T, m.DX, m.DU))
	}
	sum, D := 0.0, d.DX+d.DU
	for t := range d.T {
		mean, cov := marginals.MeanAt(t), marginals.CovAt(t)
		gain, bias := block(d.Gain, t, d.DU*d.DX), block(d.Bias, t, d.DU)
		for i, u := range mean[d.DX:] {
			sum += bias[i] * u
			for j, x := range mean[:d.DX] {
				sum += gain[i*d.DX+j] * (u*x + cov[(d.DX+i)*D+j])
			}
		}
	}
	return sum
}

// Shift sets dst, of the controller's sizes, to the controller with the mean action
// K x + k - C_t (Lambda_t x + lambda_t) / nu_t, where the policy's part of the augmented Lagrangian
// is least (see the package's documentation): that of its targets. The covariance is the
// controller's.
func (d *Duals) Shift(dst, c *lqg.Controller) {
	d.check("controller", c)
	dst.CopyFrom(c)
	cov := make([]float64, d.DU*d.DU)
	for t := range d.T {
		c.Covariance(cov, t)
		gain, bias := block(d.Gain, t, d.DU*d.DX), block(d.Bias, t, d.DU)
		for i := range d.DU {
			for l := range d.DU {
				w := cov[i*d.DU+l] / d.Weight[t]
				dst.BiasAt(t)[i] -= w * bias[l]
				for j := range d.DX {
					dst.Gain(t)[i*d.DX+j] -= w * gain[l*d.DX+j]
				}
			}
		}
	}
}

func (d *Duals) check(what string, c *lqg.Controller) {
	if c.T != d.T || c.DX != d.DX || c.DU != d.DU {
		panic(fmt.Sprintf("policy: multipliers of T=%d dX=%d dU=%d for a %s of T=%d dX=%d dU=%d", d.T, d.DX, d.DU, what, c.T, c.DX, c.DU))
	}
}

// Climb is the ascent step of the multipliers, in units of the controller's precision P_t:
//
//	lambda_t <- lambda_t - rate nu_t P_t (mean action of the controller - of the policy)
//	Lambda_t <- Lambda_t - gainRate nu_t P_t (K_t - K_t of the linearised policy)
//
// with the actions' means over the samples; means are the policy's at their states (N x T x dU)
// (arXiv:1504.00702, section 4.1). The error, of numbers that are not finite, leaves d as it was.
func (d *Duals) Climb(cfg DualConfig, c, linearised *lqg.Controller, samples []*rollout.Rollout, means []float64) error {
	d.check("controller", c)
	d.check("linearised policy", linearised)
	checkSamples(samples, d.T, d.DX, d.DU)
	if len(samples) == 0 || len(means) != len(samples)*d.T*d.DU {
		panic(fmt.Sprintf("policy: multipliers climb on %d samples of T=%d dU=%d with %d numbers of means", len(samples), d.T, d.DU, len(means)))
	}
	next, dU, dX := d.Clone(), d.DU, d.DX
	precision, gap, u := make([]float64, dU*dU), make([]float64, dU), make([]float64, dU)
	for t := range d.T {
		clear(gap)
		for n, s := range samples {
			c.Act(u, s.State(t), t, nil)
			for i, v := range block(means, n*d.T+t, dU) {
				gap[i] += (u[i] - v) / float64(len(samples))
			}
		}
		c.Precision(precision, t)
		K, other := c.Gain(t), linearised.Gain(t)
		for i := range dU {
			for l := range dU {
				w := d.Weight[t] * precision[i*dU+l]
				next.Bias[t*dU+i] -= cfg.Rate * w * gap[l]
				for j := range dX {
					next.Gain[(t*dU+i)*dX+j] -= cfg.GainRate * w * (K[l*dX+j] - other[l*dX+j])
				}
			}
		}
	}
	if err := next.Validate(); err != nil {
		return fmt.Errorf("step of the multipliers: %w", err)
	}
	*d = *next
	return nil
}

// Reweigh changes the weights by the divergences between controller and policy per step: kl (T), and
// previous, those of the last time (T; nil where there was none, which WeightByChange leaves the weights for
// as they are). They stay within the configured bounds. The error, of a divergence that is not finite,
// leaves d as it was.
func (d *Duals) Reweigh(cfg DualConfig, kl, previous []float64) error {
	if len(kl) != d.T || previous != nil && len(previous) != d.T {
		panic(fmt.Sprintf("policy: weights of T=%d from %d divergences, and %d before", d.T, len(kl), len(previous)))
	}
	if i := dense.FirstNotFinite(kl); i >= 0 {
		return fmt.Errorf("%w: the divergence between controller and policy at time step %d is %v", ErrInvalid, i, kl[i])
	}
	mean, squares := 0.0, 0.0
	for _, v := range kl {
		mean += v / float64(d.T)
	}
	for _, v := range kl {
		squares += (v - mean) * (v - mean) / float64(d.T)
	}
	deviation := math.Sqrt(squares)
	for t, w := range d.Weight {
		switch cfg.Weights {
		case WeightByGradient:
			w += cfg.Step * kl[t]
		case WeightBySteps:
			w += cfg.Step
		case WeightByChange:
			if previous == nil {
				break
			}
			if change := kl[t] / previous[t]; change < cfg.Satisfied {
				w *= cfg.Decrease
			} else if change >= cfg.Stalled {
				w *= cfg.Increase
			}
		case WeightBySpread:
			if kl[t] < mean-cfg.Below*deviation {
				w *= cfg.Decrease
			} else if kl[t] >= mean+cfg.Above*deviation {
				w *= cfg.Increase
			}
		}
		d.Weight[t] = math.Min(math.Max(w, cfg.MinWeight), cfg.MaxWeight)
	}
	return nil
}
