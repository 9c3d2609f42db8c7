package dynamics

import (
	"errors"
	"fmt"
	"math"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/gps/trace"
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
// rollout.ErrNotFinite, rollout.ErrShape, or are the prior's; they are those of the lowest
// time step that has one. The report warns where there is no prior and fewer rollouts than
// dX+dU+1, the unknowns per state.
func Fit(samples []*rollout.Rollout, prior Prior, cfg Config) (*lqg.Dynamics, *Report, error) {
	if err := cfg.Validate(); err != nil {
		return nil, nil, err
	}
	T, dX, dU, err := transitionSizes(samples)
	if err != nil {
		return nil, nil, err
	}
	f, err := NewFitter(cfg, T, dX, dU)
	if err != nil {
		return nil, nil, err
	}
	defer f.Stop()
	dyn := lqg.NewDynamics(T, dX, dU)
	report, err := f.fit(dyn, samples, prior)
	if err != nil {
		return nil, nil, err
	}
	return dyn, &report, nil
}

// Fitter fits the dynamics of rollouts of one size again and again; it holds the workspace
// and the goroutines. It belongs to one caller at a time.
type Fitter struct {
	cfg       Config
	T, dX, dU int
	steps     *steps
	// workers have a workspace each.
	workers []*worker
	scope   *trace.Scope
	dst     *lqg.Dynamics
	// warnings are those of a fit to warned rollouts without a prior.
	warned   int
	warnings []string
}

// NewFitter returns a Fitter for T steps, dX states and dU actions, or the configuration's
// error. Stop ends its goroutines.
func NewFitter(cfg Config, T, dX, dU int) (*Fitter, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if T < 1 || dX < 1 || dU < 1 {
		panic(fmt.Sprintf("dynamics: need T, dX, dU >= 1, got T=%d dX=%d dU=%d", T, dX, dU))
	}
	f := &Fitter{cfg: cfg, T: T, dX: dX, dU: dU}
	f.steps = newSteps(cfg.Workers, T, f.fitStep)
	f.workers = make([]*worker, f.steps.workers())
	for i := range f.workers {
		f.workers[i] = newWorker(cfg, dX, dU)
	}
	return f, nil
}

// Stop ends the goroutines. The Fitter is of no use then.
func (f *Fitter) Stop() { f.steps.stop() }

// Trace makes the fits that follow record in scope what they compute; nil ends that. Samples and prior must
// not change then until the record is written.
func (f *Fitter) Trace(scope *trace.Scope) { f.scope = scope }

// Fit is the package's Fit with the result in dst. It allocates where it fails, where there
// are more rollouts than before, and a Fork of the prior for every worker. After an error dst
// is of no use.
func (f *Fitter) Fit(dst *lqg.Dynamics, samples []*rollout.Rollout, prior Prior) (Report, error) {
	T, dX, dU, err := transitionSizes(samples)
	if err != nil {
		return Report{}, err
	}
	if T != f.T || dX != f.dX || dU != f.dU || dst.T != T || dst.DX != dX || dst.DU != dU {
		panic(fmt.Sprintf("dynamics: fitter for T=%d dX=%d dU=%d, rollouts of T=%d dX=%d dU=%d, dynamics of T=%d dX=%d dU=%d", f.T, f.dX, f.dU, T, dX, dU, dst.T, dst.DX, dst.DU))
	}
	return f.fit(dst, samples, prior)
}

// transitionSizes leaves numbers that are not finite to fit, which finds them as it goes.
func transitionSizes(samples []*rollout.Rollout) (T, dX, dU int, err error) {
	return sizes(samples, 2, "a covariance", (*rollout.Rollout).CheckShape)
}

func (f *Fitter) fit(dst *lqg.Dynamics, samples []*rollout.Rollout, prior Prior) (Report, error) {
	if prior != nil { // which is given the numbers
		if err := finite(samples); err != nil {
			return Report{}, err
		}
	}
	for i, w := range f.workers {
		own := prior
		if prior != nil && i > 0 {
			own = prior.Fork()
		}
		w.prepare(samples, own)
	}
	if constant, ok := prior.(*NIW); ok {
		if err := f.workers[0].check(constant); err != nil {
			return Report{}, stepError(0, samples, err)
		}
	}
	f.dst = dst
	f.begin(samples, prior)
	err := f.steps.run()
	f.dst = nil
	for _, w := range f.workers {
		w.samples, w.source, w.seen = nil, nil, nil
	}
	if err != nil {
		// Every number counts in a covariance, so that one that is not finite has failed.
		if invalid := finite(samples); invalid != nil {
			err = invalid
		}
		return Report{}, err
	}
	f.end(dst)
	if prior != nil {
		return Report{}, nil
	}
	return Report{Warnings: f.warningsOf(len(samples))}, nil
}

// fitStep fits time step t.
func (f *Fitter) fitStep(worker, t int) error { return f.workers[worker].fit(f.dst, t) }

// warningsOf returns the warnings of a fit to that many rollouts without a prior.
func (f *Fitter) warningsOf(rollouts int) []string {
	unknowns := f.dX + f.dU + 1
	if rollouts >= unknowns {
		return nil
	}
	if f.warned != rollouts {
		f.warned = rollouts
		f.warnings = []string{fmt.Sprintf("dynamics fitted to %d rollouts, with dX+dU+1 = %d unknowns per state: only the regularisation (%g) makes the fit unique; record at least %d rollouts, or use a prior",
			rollouts, unknowns, f.cfg.Regularization, unknowns)}
	}
	return f.warnings
}

// sizes returns the common sizes of at least least rollouts that pass the check; different
// sizes panic.
func sizes(samples []*rollout.Rollout, least int, what string, check func(*rollout.Rollout) error) (T, dX, dU int, err error) {
	if len(samples) < least {
		return 0, 0, 0, fmt.Errorf("%w: %s needs at least %d, got %d", ErrTooFewSamples, what, least, len(samples))
	}
	for n, s := range samples {
		if err := check(s); err != nil {
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

// finite returns the first rollout's error that has numbers that are not.
func finite(samples []*rollout.Rollout) error {
	for n, s := range samples {
		if err := s.Validate(); err != nil {
			return fmt.Errorf("dynamics: rollout %d: %w", n, err)
		}
	}
	return nil
}

// transitions appends the transitions [x; u; x'] of all samples at step t.
func transitions(points []float64, samples []*rollout.Rollout, t int) []float64 {
	for _, s := range samples {
		points = append(append(append(points, s.State(t)...), s.Action(t)...), s.State(t+1)...)
	}
	return points
}
