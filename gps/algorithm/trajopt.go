package algorithm

import (
	"context"
	"fmt"
	"math"

	"guidedpolicysearch/gps/cost"
	"guidedpolicysearch/gps/dynamics"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/pi2"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/gps/trajopt"
)

// UpdateKind says how a local controller is improved.
type UpdateKind string

const (
	// LQR is the KL-bounded update on the fitted dynamics and the expanded cost.
	LQR UpdateKind = "lqr"
	// PI2 is the path integral update, which needs neither (Theodorou, Buchli & Schaal 2010): only
	// feed-forward terms and covariances change.
	PI2 UpdateKind = "pi2"
	// PILQR is LQR, and then PI2 on what the model does not explain (Chebotar et al. 2017).
	PILQR UpdateKind = "pilqr"
)

// TrajOptConfig holds the settings of TrajOpt.
type TrajOptConfig struct {
	// Update is how a controller is improved; default LQR.
	Update UpdateKind
	// PathIntegral is for PI2 and PILQR; its Search is not read. It bounds the LQR step of PILQR over
	// the trajectory, unlike pi2.DefaultPILQRConfig: bounds of single steps that are as large as
	// KLStep allows end the exploration of late ones, and then the dynamics fitted there blow up.
	PathIntegral pi2.PILQRConfig
	// KLStep is the trust region per time step, in nat, > 0; the bound of an update is
	// KLStep times the step multiplier times T. Default 0.2.
	KLStep float64
	// BoundEachStep bounds the KL of every time step by KLStep times the step multiplier,
	// instead of their sum over the trajectory; default false.
	BoundEachStep bool
	// Step bounds the step multiplier.
	Step StepConfig
	// MaxEntropy is the weight of the entropy term, >= 0; default 0.
	MaxEntropy float64
	// MinInitialVariance is the smallest variance of x_0, >= 0, 0 for no floor; default
	// 1e-6.
	MinInitialVariance float64
	// UsePrior fits the dynamics under a mixture prior; default true.
	UsePrior bool
	// Workers is how many goroutines an iteration runs on, >= 0, 0 for one per processor;
	// default 0. Conditions share them, and a condition's part of them works inside its fits,
	// where it takes the place of Dynamics.Workers and Prior.EM.Workers. The result does not
	// depend on it, bit for bit.
	Workers  int
	Dynamics dynamics.Config
	Prior    dynamics.PriorConfig
	Search   trajopt.Config
}

// DefaultTrajOptConfig returns the defaults.
func DefaultTrajOptConfig() TrajOptConfig {
	pathIntegral := pi2.DefaultPILQRConfig()
	pathIntegral.BoundEachStep = false
	return TrajOptConfig{Update: LQR, PathIntegral: pathIntegral, KLStep: 0.2, Step: DefaultStepConfig(), MinInitialVariance: 1e-6, UsePrior: true,
		Dynamics: dynamics.DefaultConfig(), Prior: dynamics.DefaultPriorConfig(), Search: trajopt.DefaultConfig()}
}

// Validate returns an error that names the field that is out of range.
func (c TrajOptConfig) Validate() error {
	switch {
	case c.Update != LQR && c.Update != PI2 && c.Update != PILQR:
		return fmt.Errorf("algorithm: update is %q, need %q, %q or %q", c.Update, LQR, PI2, PILQR)
	case !(c.KLStep > 0) || math.IsInf(c.KLStep, 0):
		return fmt.Errorf("algorithm: KL step is %v, need a finite number > 0", c.KLStep)
	case !(c.MaxEntropy >= 0) || math.IsInf(c.MaxEntropy, 0):
		return fmt.Errorf("algorithm: weight of the entropy is %v, need a finite number >= 0", c.MaxEntropy)
	case !(c.MinInitialVariance >= 0) || math.IsInf(c.MinInitialVariance, 0):
		return fmt.Errorf("algorithm: smallest variance of x_0 is %v, need a finite number >= 0", c.MinInitialVariance)
	case c.Workers < 0:
		return fmt.Errorf("algorithm: workers is %d, need a number >= 0, with 0 for one per processor", c.Workers)
	}
	for _, v := range []interface{ Validate() error }{c.PathIntegral, c.Step, c.Dynamics, c.Prior, c.Search} {
		if err := v.Validate(); err != nil {
			return err
		}
	}
	return nil
}

// TrajOpt is sample-based trajectory optimisation: every condition's linear-Gaussian
// controller is improved under dynamics fitted to its own samples (Levine & Abbeel, NIPS
// 2014). Conditions are improved at the same time, see TrajOptConfig.Workers.
type TrajOpt struct{ core *core }

// NewTrajOpt returns the algorithm for one cost per condition. Conditions may share terms,
// and terms their parts: costs are expanded for one condition at a time. No one else may use
// them during an iteration.
func NewTrajOpt(cfg TrajOptConfig, costs []cost.Term) (*TrajOpt, error) {
	c, err := newCore(cfg, costs)
	if err != nil {
		return nil, err
	}
	return &TrajOpt{core: c}, nil
}

// Sampler implements Algorithm: the condition's controller.
func (a *TrajOpt) Sampler(state *State, m int) (policy.Policy, error) {
	return state.Conditions[m].Controller, nil
}

// Iterate implements Algorithm. An error is that of the first condition that has one.
func (a *TrajOpt) Iterate(ctx context.Context, state *State, samples [][]*rollout.Rollout) (*State, *Report, error) {
	next, report, err := a.core.begin(state, samples)
	if err != nil {
		return nil, nil, err
	}
	err = a.core.each(ctx, next.Iteration, len(samples), func(ctx context.Context, m, workers int) error {
		return a.improve(ctx, state, samples[m], m, workers, &next.Conditions[m], &report.Conditions[m])
	})
	if err != nil {
		return nil, nil, err
	}
	return next, report, nil
}

// improve runs condition m's iteration.
func (a *TrajOpt) improve(ctx context.Context, state *State, samples []*rollout.Rollout, m, workers int, next *Condition, report *ConditionReport) error {
	current := &state.Conditions[m]
	if a.core.cfg.Update == PI2 {
		return a.weigh(ctx, state, samples, m, next, report)
	}
	model, prior, err := a.core.model(ctx, state, samples, m, workers, report)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	multiplier := current.StepMultiplier
	if current.Previous != nil {
		if report.Predicted, report.Actual, err = a.core.improvement(current.Previous, model); err != nil {
			return err
		}
		multiplier = a.core.cfg.Step.Next(multiplier, report.Predicted, report.Actual)
	}
	problem := trajopt.Problem{Dynamics: model.Dynamics, X0: model.X0, Cost: model.Cost, Anchor: current.Controller, MaxEnt: a.core.cfg.MaxEntropy}
	*next = Condition{StepMultiplier: multiplier, Prior: prior, Previous: model, MeanCost: mean(report.SampleCosts)}
	return a.core.update(ctx, &step{problem: &problem, drawn: current.Controller, samples: samples, before: current, iteration: state.Iteration + 1, m: m}, next, report)
}

// weigh runs condition m's iteration without a model, by the costs of the samples alone. There is no
// KL step to adapt.
func (a *TrajOpt) weigh(ctx context.Context, state *State, samples []*rollout.Rollout, m int, next *Condition, report *ConditionReport) error {
	current := &state.Conditions[m]
	if err := suit(samples, current.Controller); err != nil {
		return err
	}
	if len(samples) < 2 {
		return fmt.Errorf("%w: there is %d, need 2 or more, which are weighed against each other", ErrSamples, len(samples))
	}
	if err := a.core.expand(ctx, lqg.NewCost(current.Controller.Sizes()), m, samples, report); err != nil {
		return err
	}
	*next = Condition{StepMultiplier: current.StepMultiplier, Prior: current.Prior, MeanCost: mean(report.SampleCosts)}
	problem := trajopt.Problem{Anchor: current.Controller}
	return a.core.update(ctx, &step{problem: &problem, drawn: current.Controller, samples: samples, before: current, iteration: state.Iteration + 1, m: m}, next, report)
}
