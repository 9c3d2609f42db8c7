package dynamics

import (
	"errors"
	"fmt"
	"math"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
)

// BayesianConfig holds the settings of a Bayesian regression.
type BayesianConfig struct {
	// NoiseFloor is the smallest variance of the noise, and the smallest eigenvalue of
	// its covariance, in the states' units squared, > 0; default 1e-8.
	NoiseFloor float64
	// NoiseVariance is what the variance of the noise is believed to be, dX, in the
	// states' units squared, > 0; needed only with NoiseCount > 0. Default nil.
	NoiseVariance []float64
	// NoiseCount is how many observations that belief weighs, >= 0: 0 to estimate the
	// noise from the residuals alone, +Inf if it is known. Default 0.
	NoiseCount float64
	// Workers is how many goroutines fit time steps at once, >= 0: 0 for all processors, the
	// default. The result does not depend on it.
	Workers int
}

// DefaultBayesianConfig returns the defaults.
func DefaultBayesianConfig() BayesianConfig { return BayesianConfig{NoiseFloor: 1e-8} }

// Validate returns an error that names the field that is out of range.
func (c BayesianConfig) Validate() error {
	switch {
	case !(c.NoiseFloor > 0) || math.IsInf(c.NoiseFloor, 0):
		return fmt.Errorf("dynamics: noise floor of a Bayesian fit is %v, need a finite number > 0", c.NoiseFloor)
	case !(c.NoiseCount >= 0):
		return fmt.Errorf("dynamics: noise count is %v, need a number >= 0", c.NoiseCount)
	case c.NoiseCount > 0 && len(c.NoiseVariance) == 0:
		return fmt.Errorf("dynamics: noise count is %v and there is no noise variance, need one per state", c.NoiseCount)
	case c.Workers < 0:
		return fmt.Errorf("dynamics: %d workers of a Bayesian fit, need a number >= 0, 0 for all processors", c.Workers)
	}
	for i, v := range c.NoiseVariance {
		if !(v > 0) || math.IsInf(v, 0) {
			return fmt.Errorf("dynamics: noise variance of state %d is %v, need a finite number > 0", i, v)
		}
	}
	return nil
}

// Posterior is the result of a Bayesian regression per time step: of every state i the
// weights' distribution, row i of [F_t f_t] ~ N(mu_n, S_n), and the noise's variance s^2.
type Posterior struct {
	// Dynamics has the means of the weights, and as noise the covariance of the
	// residuals, each divided by its degrees of freedom; the weights' uncertainty is not
	// in it.
	Dynamics *lqg.Dynamics
	// NoiseVariance is s^2, T x dX. Freedom is its degrees of freedom, T x dX; +Inf where
	// the noise is known.
	NoiseVariance, Freedom []float64
	steps                  []basis
}

// FitBayesian returns the posterior of the samples' transitions, one regression per time
// step and state with Gaussian noise of its own variance. The prior must be of the
// samples' sizes; nil is none, which leaves plain regression. Errors wrap ErrTooFewSamples
// where less than one degree of freedom is left for the noise, ErrSingular (with the time
// step, the number of rollouts and the condition number) where neither samples nor prior
// determine the weights, rollout.ErrNotFinite, rollout.ErrShape or ErrNotFinite.
func FitBayesian(samples []*rollout.Rollout, prior *WeightPrior, cfg BayesianConfig) (*Posterior, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	T, dX, dU, err := sizes(samples, 1, "a regression", (*rollout.Rollout).Validate)
	if err != nil {
		return nil, err
	}
	advice := "raise the prior's precision"
	if prior == nil {
		d := dX + dU + 1
		prior, advice = &WeightPrior{Nominal: lqg.NewDynamics(T, dX, dU), Precision: make([]float64, d*d)}, "use a prior"
	}
	if prior.Nominal == nil {
		panic("dynamics: the prior's nominal dynamics are nil, need some of the rollouts' sizes, such as NominalPrior makes")
	}
	if n := prior.Nominal; n.T != T || n.DX != dX || n.DU != dU {
		panic(fmt.Sprintf("dynamics: rollouts of T=%d dX=%d dU=%d, prior of T=%d dX=%d dU=%d", T, dX, dU, n.T, n.DX, n.DU))
	}
	if cfg.NoiseVariance != nil && len(cfg.NoiseVariance) != dX {
		panic(fmt.Sprintf("dynamics: noise variance of %d states, rollouts have dX=%d", len(cfg.NoiseVariance), dX))
	}
	if err := prior.Validate(); err != nil {
		return nil, err
	}
	post := &Posterior{Dynamics: lqg.NewDynamics(T, dX, dU), NoiseVariance: make([]float64, T*dX), Freedom: make([]float64, T*dX),
		steps: make([]basis, T)}
	var regressions []*regression
	steps := newSteps(cfg.Workers, T, func(worker, t int) error {
		err := regressions[worker].fit(post, t, samples, prior)
		if err == nil {
			return nil
		}
		err = stepError(t, samples, err)
		if errors.Is(err, ErrSingular) {
			return fmt.Errorf("%w: record more rollouts that differ, or %s", err, advice)
		}
		return err
	})
	defer steps.stop()
	for range steps.workers() {
		regressions = append(regressions, newRegression(cfg, len(samples), dX, dU))
	}
	if err := steps.run(); err != nil {
		return nil, err
	}
	return post, nil
}
