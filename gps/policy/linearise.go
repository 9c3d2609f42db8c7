package policy

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"guidedpolicysearch/gps/dynamics"
	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/gps/trace"
)

// Lineariser finds the linear-Gaussian controller that a policy is like along samples. It owns
// workspace: one goroutine at a time.
type Lineariser struct {
	cfg       LineariseConfig
	t, dX, dU int
	fit       *dynamics.GaussianFit
	prior     dynamics.NIW
	result    dynamics.Conditional
	floor     *lqg.Floor
	next      *lqg.Controller
	points    []float64 // of a time step, N x (dX+dU)
	ridge     []float64 // dX
	slope     []float64 // dU x dX
	mean      []float64 // dU
}

// NewLineariser returns a workspace for T steps, dX states and dU actions, or the error of
// cfg.Validate.
func NewLineariser(cfg LineariseConfig, T, dX, dU int) (*Lineariser, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Lineariser{cfg: cfg, t: T, dX: dX, dU: dU, fit: dynamics.NewGaussianFit(dX, dU), floor: lqg.NewFloor(cfg.MinVariance, T, dU),
		next:   lqg.NewController(T, dX, dU),
		result: dynamics.Conditional{Gain: make([]float64, dU*dX), Bias: make([]float64, dU), Cov: make([]float64, dU*dU)},
		ridge:  make([]float64, dX), slope: make([]float64, dU*dX), mean: make([]float64, dU)}, nil
}

// Run linearises the policy along the samples with the configured method, and returns its mean
// actions there (N x T x dU). For ByMixture it adds the samples to the prior, fits that with rng, and
// returns it; for other methods it returns the prior it was given, which may be nil. On an error dst is as
// it was.
func (l *Lineariser) Run(ctx context.Context, dst *lqg.Controller, p *Network, samples []*rollout.Rollout, prior *MixturePrior, rng *rand.Rand) (means []float64, next *MixturePrior, err error) {
	if means, err = Means(p, samples); err != nil {
		return nil, nil, err
	}
	cov := make([]float64, l.dU*l.dU)
	if p.chol != nil {
		multiplyFactor(cov, p.chol, l.dU)
	}
	switch l.cfg.Method {
	case ByJacobian:
		return means, prior, l.Differentiate(dst, p, samples, cov)
	case ByConstant:
		ones := func(n int) []float64 {
			list := make([]float64, n)
			for i := range list {
				list[i] = 1
			}
			return list
		}
		return means, prior, l.Fit(dst, samples, means, cov, ConstantPrior(constantStrength, ones(l.dX), ones(l.dU)))
	}
	if prior == nil {
		prior = new(MixturePrior)
	}
	next = prior.Add(l.cfg.Prior, samples)
	if err := next.Fit(trace.With(ctx, "prior"), l.cfg.Prior, p, rng); err != nil {
		return nil, nil, err
	}
	source, err := dynamics.FromMixture(next.Mixture)
	if err != nil {
		return nil, nil, err
	}
	return means, next, l.Fit(dst, samples, means, cov, source)
}

// Fit sets dst to the linear regression of the policy's mean actions at the samples' states (means, N x
// T x dU), per time step: the Gaussian of [x; u], under the prior (nil for none), conditioned on x
// (arXiv:1504.00702, appendix A.3). Its covariance is that of the policy (cov: dU x dU, T x dU x dU or
// N x T x dU x dU, of which the samples' mean counts) plus that of what the regression leaves over, and
// no direction of it is below MinVariance: dst passes lqg.Controller.Validate. Errors name the time
// step and wrap dynamics.ErrSingular, dynamics.ErrNotFinite or ErrInvalid, or are the prior's; dst is
// then as it was.
func (l *Lineariser) Fit(dst *lqg.Controller, samples []*rollout.Rollout, means, cov []float64, prior dynamics.Prior) error {
	if err := l.begin(samples, means, cov); err != nil {
		return err
	}
	D := l.dX + l.dU
	if err := l.spread(samples); err != nil {
		return err
	}
	ridge := func(sigma []float64) {
		for i, v := range l.ridge {
			sigma[i*(D+1)] += v
		}
	}
	for t := range l.t {
		l.points = l.points[:0]
		for n, s := range samples {
			l.points = append(append(l.points, s.State(t)...), block(means, n*l.t+t, l.dU)...)
		}
		var niw *dynamics.NIW
		if prior != nil {
			niw = &l.prior
			if err := prior.At(niw, t, l.points); err != nil {
				return fmt.Errorf("policy's linearisation at time step %d: %w", t, err)
			}
			for i := range niw.Scatter {
				niw.Scatter[i] *= l.cfg.Strength
			}
			niw.NCovar = l.cfg.Strength*niw.Weight() - float64(D+1)
			niw.NMean *= l.cfg.Strength
		}
		if err := l.fit.Fit(&l.result, l.points, nil, niw, l.cfg.Mean, ridge); err != nil {
			return fmt.Errorf("policy's linearisation at time step %d: %w", t, err)
		}
		copy(l.next.Gain(t), l.result.Gain)
		copy(l.next.BiasAt(t), l.result.Bias)
		if err := l.noise(t, len(samples), cov); err != nil {
			return err
		}
	}
	return l.end(dst)
}

// Differentiable is a policy whose derivative is known.
type Differentiable interface {
	Policy
	// Jacobian writes the derivative of the mean action with respect to x to dst (dU x dX),
	// and the mean action to mean (dU).
	Jacobian(dst, mean, x []float64, t int)
}

// Differentiate sets dst to the policy's linearisation by its derivative: K is the mean of the
// Jacobians at the samples' states, which is the gain of the best linear fit where states are normally
// distributed (C. Stein, Annals of Statistics 9, 1981, lemma 2), with as few samples as there are. The
// bias makes dst pass through the means, and the covariance is as for Fit.
func (l *Lineariser) Differentiate(dst *lqg.Controller, p Differentiable, samples []*rollout.Rollout, cov []float64) error {
	means, err := Means(p, samples)
	if err != nil {
		return err
	}
	if err := l.begin(samples, means, cov); err != nil {
		return err
	}
	share := 1 / float64(len(samples))
	for t := range l.t {
		gain, bias := l.next.Gain(t), l.next.BiasAt(t)
		clear(gain)
		clear(bias)
		for _, s := range samples {
			p.Jacobian(l.slope, l.mean, s.State(t), t)
			for i, v := range l.slope {
				gain[i] += share * v
			}
		}
		for n, s := range samples {
			multiply(bias, gain, s.State(t), -share)
			for i, v := range block(means, n*l.t+t, l.dU) {
				bias[i] += share * v
			}
		}
		clear(l.result.Cov)
		for n, s := range samples {
			copy(l.mean, bias)
			multiply(l.mean, gain, s.State(t), 1)
			dense.AddOuter(l.result.Cov, share, block(means, n*l.t+t, l.dU), l.mean)
		}
		dense.MirrorLower(l.result.Cov, l.dU)
		if err := l.noise(t, len(samples), cov); err != nil {
			return err
		}
	}
	return l.end(dst)
}

// begin checks what is linearised.
func (l *Lineariser) begin(samples []*rollout.Rollout, means, cov []float64) error {
	N, n2 := len(samples), l.dU*l.dU
	if len(means) != N*l.t*l.dU || len(cov) != n2 && len(cov) != l.t*n2 && len(cov) != N*l.t*n2 {
		panic(fmt.Sprintf("policy: linearisation of T=%d dX=%d dU=%d along %d samples with %d numbers of means and %d of covariances", l.t, l.dX, l.dU, N, len(means), len(cov)))
	}
	checkSamples(samples, l.t, l.dX, l.dU)
	if N == 0 {
		return fmt.Errorf("%w: a policy's linearisation needs 1 or more", dynamics.ErrTooFewSamples)
	}
	for n, s := range samples {
		if err := s.Validate(); err != nil {
			return fmt.Errorf("policy's linearisation: sample %d: %w", n, err)
		}
	}
	if i := dense.FirstNotFinite(cov); i >= 0 {
		return fmt.Errorf("%w: the policy's covariance has %v at entry %d", ErrInvalid, cov[i], i)
	}
	return nil
}

// spread sets the ridge: a part of the states' variances over samples and time steps.
func (l *Lineariser) spread(samples []*rollout.Rollout) error {
	share := 1 / float64(len(samples)*l.t)
	for i := range l.ridge {
		mean, squares := 0.0, 0.0
		for _, s := range samples {
			for t := range l.t {
				mean += share * s.X[t*l.dX+i]
			}
		}
		for _, s := range samples {
			for t := range l.t {
				d := s.X[t*l.dX+i] - mean
				squares += share * d * d
			}
		}
		// What never moved has no gain, whatever is added to its variance of 0 or of rounding.
		if floor := 1e-12 * (mean*mean + 1e-12); squares < floor {
			squares = max(1, mean*mean)
		}
		if l.ridge[i] = l.cfg.Regularization * squares; math.IsInf(squares, 0) || math.IsNaN(squares) {
			return fmt.Errorf("%w: the variance of state %d over samples and time steps overflows: use other units, and look for numbers that are wrong", dynamics.ErrNotFinite, i)
		}
	}
	return nil
}

// noise sets the covariance at time step t: the residuals', which is in result, plus the policy's.
func (l *Lineariser) noise(t, N int, cov []float64) error {
	n2 := l.dU * l.dU
	c := l.next.CholAt(t)
	copy(c, l.result.Cov)
	switch len(cov) {
	case n2:
		for i, v := range cov {
			c[i] += v
		}
	case l.t * n2:
		for i, v := range block(cov, t, n2) {
			c[i] += v
		}
	default:
		for n := range N {
			for i, v := range block(cov, n*l.t+t, n2) {
				c[i] += v / float64(N)
			}
		}
	}
	dense.Symmetrize(c, l.dU, l.dU)
	l.floor.Raise(c, t)
	if !dense.Cholesky(c, l.dU) {
		return fmt.Errorf("%w: the covariance of the linearised policy at time step %d is not positive definite in double precision: its actions differ too much in scale for min_variance", ErrInvalid, t)
	}
	return nil
}

// end hands the result over.
func (l *Lineariser) end(dst *lqg.Controller) error {
	if err := l.next.Validate(); err != nil {
		return fmt.Errorf("policy's linearisation: %w", err)
	}
	dst.CopyFrom(l.next)
	return nil
}
