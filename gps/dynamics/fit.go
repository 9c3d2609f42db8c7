package dynamics

import (
	"errors"
	"fmt"
	"math"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/mixture"
	"guidedpolicysearch/gps/rollout"
)

// ErrTooFewSamples marks a fit to fewer rollouts than it needs.
var ErrTooFewSamples = errors.New("dynamics: too few rollouts")

// Config holds the settings of a fit.
type Config struct {
	// Regularization is added to the diagonal of the covariance of [x, u], in the
	// states' and actions' units squared, >= 0; default 1e-6.
	Regularization float64
	// RegularizeWholeBlock adds Regularization to every entry of that block, as the
	// public reference implementation does.
	RegularizeWholeBlock bool
	// NoiseFloor is the smallest variance of the process noise on its diagonal, in the
	// states' units squared, >= 0; default 0.
	NoiseFloor float64
	// Strength multiplies the prior's weights m and n0, > 0; default 1.
	Strength float64
	// Mean is the mean of the posterior; default ShrunkMean.
	Mean Mean
}

// DefaultConfig returns the defaults.
func DefaultConfig() Config { return Config{Regularization: 1e-6, Strength: 1, Mean: ShrunkMean} }

// Validate returns an error that names the field that is out of range.
func (c Config) Validate() error {
	switch {
	case !(c.Regularization >= 0) || math.IsInf(c.Regularization, 0):
		return fmt.Errorf("dynamics: regularization is %v, need a finite number >= 0", c.Regularization)
	case !(c.NoiseFloor >= 0) || math.IsInf(c.NoiseFloor, 0):
		return fmt.Errorf("dynamics: noise floor is %v, need a finite number >= 0", c.NoiseFloor)
	case !(c.Strength > 0) || math.IsInf(c.Strength, 0):
		return fmt.Errorf("dynamics: strength is %v, need a finite number > 0", c.Strength)
	case c.Mean != ShrunkMean && c.Mean != SampleMean:
		return fmt.Errorf("dynamics: mean is %q, need %q or %q", c.Mean, ShrunkMean, SampleMean)
	}
	return nil
}

// Fit returns the dynamics of the samples' transitions, one linear regression per time
// step, under the mixture's prior where prior is not nil. Errors wrap ErrTooFewSamples,
// ErrSingular (with the time step), rollout.ErrNotFinite or mixture.ErrDegenerate.
func Fit(samples []*rollout.Rollout, prior *mixture.Mixture, cfg Config) (*lqg.Dynamics, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if len(samples) < 2 {
		return nil, fmt.Errorf("%w: a covariance needs at least 2, got %d", ErrTooFewSamples, len(samples))
	}
	T, dX, dU := samples[0].T, samples[0].DX, samples[0].DU
	for n, s := range samples {
		if s.T != T || s.DX != dX || s.DU != dU {
			panic(fmt.Sprintf("dynamics: rollout 0 has T=%d dX=%d dU=%d, rollout %d has T=%d dX=%d dU=%d", T, dX, dU, n, s.T, s.DX, s.DU))
		}
		if err := s.Validate(); err != nil {
			return nil, fmt.Errorf("dynamics: rollout %d: %w", n, err)
		}
	}
	var query *mixture.Query
	if prior != nil {
		if prior.D != dX+dU+dX {
			panic(fmt.Sprintf("dynamics: mixture over %d dimensions, transitions have %d", prior.D, dX+dU+dX))
		}
		var err error
		if query, err = mixture.NewQuery(prior); err != nil {
			return nil, err
		}
	}
	dyn := lqg.NewDynamics(T, dX, dU)
	d, p := dX+dU, dX+dU+dX
	fit := NewGaussianFit(d, dX)
	points := make([]float64, len(samples)*p)
	niw := new(mixture.Prior)
	for t := range T {
		for n, s := range samples {
			row := points[n*p : (n+1)*p]
			copy(row, s.State(t))
			copy(row[dX:], s.Action(t))
			copy(row[d:], s.State(t+1))
		}
		var use *mixture.Prior
		if query != nil {
			query.Prior(niw, points)
			niw.M *= cfg.Strength
			niw.N0 *= cfg.Strength
			for i := range niw.Cov {
				niw.Cov[i] *= niw.M
			}
			use = niw
		}
		dst := Conditional{Gain: dyn.FAt(t), Bias: dyn.BiasAt(t), Cov: dyn.CovAt(t)}
		if err := fit.Fit(&dst, points, nil, use, cfg.Mean, func(sigma []float64) { cfg.regularize(sigma, d, p) }); err != nil {
			return nil, fmt.Errorf("time step %d, %d rollouts: %w: record more rollouts, use a prior or raise the regularisation (%g)", t, len(samples), err, cfg.Regularization)
		}
		for i := range dX {
			dst.Cov[i*dX+i] = math.Max(dst.Cov[i*dX+i], cfg.NoiseFloor)
		}
	}
	return dyn, nil
}

func (c Config) regularize(sigma []float64, d, p int) {
	for i := range d {
		if !c.RegularizeWholeBlock {
			sigma[i*p+i] += c.Regularization
			continue
		}
		for j := range d {
			sigma[i*p+j] += c.Regularization
		}
	}
}
