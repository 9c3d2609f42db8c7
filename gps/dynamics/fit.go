package dynamics

import (
	"errors"
	"fmt"
	"math"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
)

// ErrTooFewSamples marks a fit to fewer rollouts than it needs.
var ErrTooFewSamples = errors.New("dynamics: too few rollouts")

// Config holds the settings of a fit.
type Config struct {
	// Regularization keeps the covariance of [x, u] away from singular, in the states'
	// and actions' units squared, >= 0; default 1e-6.
	Regularization float64
	// Regularizer says how; default AddDiagonal.
	Regularizer Regularizer
	// NoiseFloor is the smallest eigenvalue of the process noise's covariance, in the
	// states' units squared, >= 0; 0 leaves the covariance as it is. Default 1e-8.
	NoiseFloor float64
	// Strength multiplies the prior's weights m and n_0, > 0; default 1.
	Strength float64
	// Mean is the mean of the posterior; default ShrunkMean.
	Mean Mean
	// Workers is how many goroutines fit time steps at once, >= 0: 0 for all processors, the
	// default. The result does not depend on it.
	Workers int
}

// DefaultConfig returns the defaults.
func DefaultConfig() Config {
	return Config{Regularization: 1e-6, Regularizer: AddDiagonal, NoiseFloor: 1e-8, Strength: 1, Mean: ShrunkMean}
}

// Validate returns an error that names the field that is out of range.
func (c Config) Validate() error {
	switch {
	case !(c.Regularization >= 0) || math.IsInf(c.Regularization, 0):
		return fmt.Errorf("dynamics: regularization is %v, need a finite number >= 0", c.Regularization)
	case c.Regularizer != AddDiagonal && c.Regularizer != LiftEigenvalues && c.Regularizer != AddWholeBlock:
		return fmt.Errorf("dynamics: regularizer is %q, need %q, %q or %q", c.Regularizer, AddDiagonal, LiftEigenvalues, AddWholeBlock)
	case !(c.NoiseFloor >= 0) || math.IsInf(c.NoiseFloor, 0):
		return fmt.Errorf("dynamics: noise floor is %v, need a finite number >= 0", c.NoiseFloor)
	case !(c.Strength > 0) || math.IsInf(c.Strength, 0):
		return fmt.Errorf("dynamics: strength is %v, need a finite number > 0", c.Strength)
	case c.Mean != ShrunkMean && c.Mean != SampleMean:
		return fmt.Errorf("dynamics: mean is %q, need %q or %q", c.Mean, ShrunkMean, SampleMean)
	case c.Workers < 0:
		return fmt.Errorf("dynamics: %d workers, need a number >= 0, 0 for all processors", c.Workers)
	}
	return nil
}

// Report says what a fit found that its caller should know.
type Report struct {
	// Warnings say, for people, why the fit deserves little trust; nil if nothing does.
	Warnings []string
}

// Fit returns the dynamics of the samples' transitions, one linear regression per time
// step, under the prior, nil for none. Errors wrap ErrTooFewSamples, ErrSingular (with the
// time step, the number of rollouts and the condition number), ErrNotFinite,
// rollout.ErrNotFinite, rollout.ErrShape, or are the prior's. The report warns where there is no prior and
// fewer rollouts than dX+dU+1, the unknowns per state.
func Fit(samples []*rollout.Rollout, prior Prior, cfg Config) (*lqg.Dynamics, *Report, error) {
	if err := cfg.Validate(); err != nil {
		return nil, nil, err
	}
	T, dX, dU, err := sizes(samples, 2, "a covariance")
	if err != nil {
		return nil, nil, err
	}
	report := new(Report)
	if unknowns := dX + dU + 1; prior == nil && len(samples) < unknowns {
		report.Warnings = append(report.Warnings, fmt.Sprintf("dynamics fitted to %d rollouts, with dX+dU+1 = %d unknowns per state: only the regularisation (%g) makes the fit unique; record at least %d rollouts, or use a prior",
			len(samples), unknowns, cfg.Regularization, unknowns))
	}
	dyn := lqg.NewDynamics(T, dX, dU)
	steps := newSteps(cfg.Workers, T)
	defer steps.stop()
	fitters := make([]*fitter, steps.workers())
	for w := range fitters {
		own := prior
		if prior != nil && w > 0 {
			own = prior.Fork()
		}
		fitters[w] = newFitter(cfg, samples, own, dX, dU)
	}
	err = steps.run(func(worker, t int) error { return fitters[worker].fit(dyn, t) })
	if err != nil {
		return nil, nil, err
	}
	return dyn, report, nil
}

// sizes returns the common sizes of at least least rollouts, all of the shape that they say
// and finite; different sizes panic.
func sizes(samples []*rollout.Rollout, least int, what string) (T, dX, dU int, err error) {
	if len(samples) < least {
		return 0, 0, 0, fmt.Errorf("%w: %s needs at least %d, got %d", ErrTooFewSamples, what, least, len(samples))
	}
	for n, s := range samples {
		if err := s.Validate(); err != nil {
			return 0, 0, 0, fmt.Errorf("dynamics: rollout %d: %w", n, err)
		}
		if n == 0 {
			T, dX, dU = s.T, s.DX, s.DU
		}
		if s.T != T || s.DX != dX || s.DU != dU {
			panic(fmt.Sprintf("dynamics: rollout 0 has T=%d dX=%d dU=%d, rollout %d has T=%d dX=%d dU=%d", T, dX, dU, n, s.T, s.DX, s.DU))
		}
	}
	return T, dX, dU, nil
}

// transitions appends the transitions [x; u; x'] of all samples at step t.
func transitions(points []float64, samples []*rollout.Rollout, t int) []float64 {
	for _, s := range samples {
		points = append(append(append(points, s.State(t)...), s.Action(t)...), s.State(t+1)...)
	}
	return points
}

// fitter fits one time step after the other; it holds the workspace.
type fitter struct {
	cfg     Config
	samples []*rollout.Rollout
	dX      int
	source  Prior
	points  []float64 // of the time step, N x P, for the source
	prior   NIW
	check   *scatterCheck
	joint   *joint
	inputs  *spectral
	noise   *spectral
}

func newFitter(cfg Config, samples []*rollout.Rollout, source Prior, dX, dU int) *fitter {
	d := dX + dU
	p := d + dX
	f := &fitter{cfg: cfg, samples: samples, dX: dX, source: source, joint: newJoint(d, dX), noise: newSpectral(dX)}
	f.joint.reserve(len(samples))
	if cfg.Regularizer == LiftEigenvalues {
		f.inputs = newSpectral(d)
	}
	if source != nil {
		f.points, f.check = make([]float64, 0, len(samples)*p), newScatterCheck(p)
	}
	return f
}

func (f *fitter) fit(dyn *lqg.Dynamics, t int) error {
	prior, err := f.priorAt(t)
	if err == nil {
		for n, s := range f.samples {
			point := f.joint.point(n)
			copy(point, s.State(t))
			copy(point[f.dX:], s.Action(t))
			copy(point[f.joint.pin:], s.State(t+1))
		}
		dst := Conditional{Gain: dyn.FAt(t), Bias: dyn.BiasAt(t), Cov: dyn.CovAt(t)}
		err = f.joint.fit(&dst, nil, prior, f.cfg.Strength, f.cfg.Mean, f)
		if err == nil && f.cfg.NoiseFloor > 0 && !f.noise.raise(dst.Cov, f.cfg.NoiseFloor) {
			err = fmt.Errorf("%w: the noise's covariance has no eigenvalues", ErrNotFinite)
		}
	}
	if err == nil {
		return nil
	}
	if err == errOverflow {
		err = f.joint.overflow(transitions(nil, f.samples, t), prior, f.cfg.Strength)
	}
	err = fmt.Errorf("time step %d, %d rollouts: %w", t, len(f.samples), err)
	if errors.Is(err, ErrSingular) {
		return fmt.Errorf("%w: %s, or raise the regularisation (%g)", err, f.advice(t, prior), f.cfg.Regularization)
	}
	return err
}

// priorAt returns the prior of a time step, nil if there is none.
func (f *fitter) priorAt(t int) (*NIW, error) {
	if f.source == nil {
		return nil, nil
	}
	f.points = transitions(f.points[:0], f.samples, t)
	if err := f.source.At(&f.prior, t, f.points); err != nil {
		return nil, err
	}
	if p := f.joint.in + f.joint.out; len(f.prior.Mean) != p {
		panic(fmt.Sprintf("dynamics: prior over %d dimensions, transitions have %d", len(f.prior.Mean), p))
	}
	// What a mixture gives is a sum of covariances that have factors.
	if _, ok := f.source.(*mixturePrior); ok {
		return &f.prior, nil
	}
	return &f.prior, f.prior.validate(f.check)
}

// advice says what to change where the covariance of [x, u] is singular.
func (f *fitter) advice(t int, prior *NIW) string {
	if prior == nil {
		return "record more rollouts that differ, use a prior"
	}
	return fmt.Sprintf("record more rollouts that differ, check that the prior (mean up to %.3g, scatter up to %.3g) is in the units of the rollouts (numbers up to %.3g)",
		largest(prior.Mean), f.cfg.Strength*largest(prior.Scatter), largest(transitions(nil, f.samples, t)))
}

// largest returns the largest magnitude.
func largest(a []float64) (most float64) {
	for _, v := range a {
		most = max(most, math.Abs(v))
	}
	return most
}
