package dynamics

import (
	"math"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
)

// InitialStateConfig holds the settings of the fit of x_0's distribution.
type InitialStateConfig struct {
	// MinVariance is the smallest variance of a state, in its unit squared, > 0;
	// default 1e-6.
	MinVariance float64
	// Strength times dX is the weight of the prior, in rollouts; default 1.
	Strength float64
	// UndividedScatter adds the prior's scatter whole, as the public reference
	// implementation does, instead of dividing it by N + n0.
	UndividedScatter bool
}

// FitInitialState returns the Gaussian of the samples' first states: their mean, and a
// diagonal covariance of at least MinVariance. Where prior rollouts are given (the samples
// may be among them) the covariance is that of the NIW posterior under the mean and the
// variances of their first states, with m = n0 = dX strength (arXiv:1504.00702, appendix
// A.3); the mean stays the samples'.
func FitInitialState(samples, prior []*rollout.Rollout, cfg InitialStateConfig) *lqg.InitialState {
	dX := samples[0].DX
	n := float64(len(samples))
	mean, variance := firstStates(samples)
	x0 := &lqg.InitialState{Mean: mean, Cov: make([]float64, dX*dX)}
	for i := range dX {
		x0.Cov[i*dX+i] = math.Max(variance[i], cfg.MinVariance)
	}
	if len(prior) == 0 {
		return x0
	}
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
	return x0
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
