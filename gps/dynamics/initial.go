package dynamics

import (
	"fmt"
	"math"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
)

// InitialStateConfig holds the settings of the fit of x_0's distribution.
type InitialStateConfig struct {
	// MinVariance is the smallest variance of a state, in its unit squared, >= 0, 0 for
	// no floor: states that were the same in all samples then have variance 0. Default
	// 1e-6.
	MinVariance float64
	// Strength times dX is the weight of the prior, in rollouts; > 0; default 1.
	Strength float64
	// UndividedScatter adds the prior's scatter whole, as the public reference
	// implementation does, instead of dividing it by N + n0.
	UndividedScatter bool
}

// DefaultInitialStateConfig returns the defaults.
func DefaultInitialStateConfig() InitialStateConfig {
	return InitialStateConfig{MinVariance: 1e-6, Strength: 1}
}

// Validate returns an error that names the field that is out of range.
func (c InitialStateConfig) Validate() error {
	switch {
	case !(c.MinVariance >= 0) || math.IsInf(c.MinVariance, 0):
		return fmt.Errorf("dynamics: smallest variance of x_0 is %v, need a finite number >= 0", c.MinVariance)
	case !(c.Strength > 0) || math.IsInf(c.Strength, 0):
		return fmt.Errorf("dynamics: strength of the prior of x_0 is %v, need a finite number > 0", c.Strength)
	}
	return nil
}

// FitInitialState returns the Gaussian of the samples' first states: their mean, and a
// diagonal covariance of at least MinVariance. Where prior rollouts are given (the samples
// may be among them) the covariance is that of the NIW posterior under the mean and the
// variances of their first states, with m = n0 = dX strength (arXiv:1504.00702, appendix
// A.3); the mean stays the samples'. Errors wrap ErrTooFewSamples where there is no
// sample, ErrNotFinite, rollout.ErrNotFinite or rollout.ErrShape.
func FitInitialState(samples, prior []*rollout.Rollout, cfg InitialStateConfig) (*lqg.InitialState, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	_, dX, _, err := sizes(samples, 1, "the distribution of x_0", (*rollout.Rollout).Validate)
	if err != nil {
		return nil, err
	}
	for n, r := range prior {
		if err := r.Validate(); err != nil {
			return nil, fmt.Errorf("dynamics: prior's rollout %d: %w", n, err)
		}
		if r.DX != dX {
			panic(fmt.Sprintf("dynamics: samples have dX=%d, the prior's rollout %d has dX=%d", dX, n, r.DX))
		}
	}
	n := float64(len(samples))
	mean, variance := firstStates(samples)
	x0 := &lqg.InitialState{Mean: mean, Cov: make([]float64, dX*dX)}
	for i := range dX {
		x0.Cov[i*dX+i] = math.Max(variance[i], cfg.MinVariance)
	}
	if len(prior) > 0 {
		cfg.addPrior(x0, n, prior)
	}
	if err := finiteState(x0); err != nil {
		return nil, err
	}
	return x0, nil
}

// addPrior makes the covariance of n samples that of the posterior.
func (cfg InitialStateConfig) addPrior(x0 *lqg.InitialState, n float64, prior []*rollout.Rollout) {
	mean, dX := x0.Mean, len(x0.Mean)
	priorMean, priorVariance := firstStates(prior)
	m := float64(dX) * cfg.Strength
	for i := range dX {
		for j := range dX {
			shift := n * m / (n + m) * (mean[i] - priorMean[i]) * (mean[j] - priorMean[j])
			v := &x0.Cov[i*dX+j]
			scatter := 0.0
			if i == j {
				scatter = m * priorVariance[i]
			}
			if cfg.UndividedScatter {
				*v += scatter + shift/(n+m)
			} else {
				*v = (n**v + scatter + shift) / (n + m)
			}
		}
	}
}

// finiteState returns ErrNotFinite where the sums overflowed.
func finiteState(x *lqg.InitialState) error {
	dX := len(x.Mean)
	if i := dense.FirstNotFinite(x.Mean); i >= 0 {
		return fmt.Errorf("%w: the mean of state %d is %v: the states' numbers are too large", ErrNotFinite, i, x.Mean[i])
	}
	if i := dense.FirstNotFinite(x.Cov); i >= 0 {
		return fmt.Errorf("%w: the covariance of states %d and %d is %v: the states' numbers are too large", ErrNotFinite, i/dX, i%dX, x.Cov[i])
	}
	return nil
}

// firstStates returns the mean and the variance (1/N) of the rollouts' first states.
func firstStates(rollouts []*rollout.Rollout) (mean, variance []float64) {
	dX, n := rollouts[0].DX, float64(len(rollouts))
	mean, variance = make([]float64, dX), make([]float64, dX)
	for _, r := range rollouts {
		for i, v := range r.State(0) {
			mean[i] += v / n
		}
	}
	for _, r := range rollouts {
		for i, v := range r.State(0) {
			variance[i] += (v - mean[i]) * (v - mean[i]) / n
		}
	}
	return mean, variance
}
