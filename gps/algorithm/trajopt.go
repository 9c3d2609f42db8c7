package algorithm

import (
	"context"
	"fmt"
	"math"

	"guidedpolicysearch/gps/cost"
	"guidedpolicysearch/gps/dynamics"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/gps/trajopt"
)

// TrajOptConfig holds the settings of TrajOpt.
type TrajOptConfig struct {
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
	Dynamics dynamics.Config
	Prior    dynamics.PriorConfig
	Search   trajopt.Config
}

// DefaultTrajOptConfig returns the defaults.
func DefaultTrajOptConfig() TrajOptConfig {
	return TrajOptConfig{KLStep: 0.2, Step: DefaultStepConfig(), MinInitialVariance: 1e-6, UsePrior: true,
		Dynamics: dynamics.DefaultConfig(), Prior: dynamics.DefaultPriorConfig(), Search: trajopt.DefaultConfig()}
}

// Validate returns an error that names the field that is out of range.
func (c TrajOptConfig) Validate() error {
	switch {
	case !(c.KLStep > 0) || math.IsInf(c.KLStep, 0):
		return fmt.Errorf("algorithm: KL step is %v, need a finite number > 0", c.KLStep)
	case !(c.MaxEntropy >= 0) || math.IsInf(c.MaxEntropy, 0):
		return fmt.Errorf("algorithm: weight of the entropy is %v, need a finite number >= 0", c.MaxEntropy)
	case !(c.MinInitialVariance >= 0) || math.IsInf(c.MinInitialVariance, 0):
		return fmt.Errorf("algorithm: smallest variance of x_0 is %v, need a finite number >= 0", c.MinInitialVariance)
	}
	for _, v := range []interface{ Validate() error }{c.Step, c.Dynamics, c.Prior, c.Search} {
		if err := v.Validate(); err != nil {
			return err
		}
	}
	return nil
}

// TrajOpt is sample-based trajectory optimisation: every condition's linear-Gaussian
// controller is improved under dynamics fitted to its own samples (Levine & Abbeel, NIPS
// 2014).
type TrajOpt struct {
	cfg TrajOptConfig
	// costs has one term per condition.
	costs []cost.Term
}

// NewTrajOpt returns the algorithm for one cost per condition.
func NewTrajOpt(cfg TrajOptConfig, costs []cost.Term) (*TrajOpt, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &TrajOpt{cfg: cfg, costs: costs}, nil
}

// Iterate implements Algorithm.
func (a *TrajOpt) Iterate(ctx context.Context, state *State, samples [][]*rollout.Rollout) (*State, *Report, error) {
	if len(samples) != len(state.Conditions) || len(a.costs) != len(state.Conditions) {
		return nil, nil, fmt.Errorf("%w: %d conditions, samples of %d, costs of %d", ErrSamples, len(state.Conditions), len(samples), len(a.costs))
	}
	if err := state.validate(); err != nil {
		return nil, nil, err
	}
	next := &State{Iteration: state.Iteration + 1, Seed: state.Seed, Conditions: make([]Condition, len(samples))}
	report := &Report{Iteration: next.Iteration, Conditions: make([]ConditionReport, len(samples))}
	for m := range samples {
		if err := a.improve(ctx, state, m, samples[m], &next.Conditions[m], &report.Conditions[m]); err != nil {
			return nil, nil, fmt.Errorf("iteration %d, condition %d: %w", next.Iteration, m, err)
		}
	}
	return next, report, nil
}

// improve runs one condition's iteration.
func (a *TrajOpt) improve(ctx context.Context, state *State, m int, samples []*rollout.Rollout, next *Condition, report *ConditionReport) error {
	current := &state.Conditions[m]
	controller := current.Controller
	for n, s := range samples {
		if s == nil {
			return fmt.Errorf("%w: rollout %d is missing", ErrSamples, n)
		}
		if s.T != controller.T || s.DX != controller.DX || s.DU != controller.DU || len(s.X) != (s.T+1)*s.DX || len(s.U) != s.T*s.DU {
			return fmt.Errorf("%w: rollout %d has T=%d dX=%d dU=%d, with %d numbers for states and %d for actions, the controller T=%d dX=%d dU=%d", ErrSamples, n, s.T, s.DX, s.DU, len(s.X), len(s.U), controller.T, controller.DX, controller.DU)
		}
	}
	model, prior, err := a.model(ctx, state, m, samples, report)
	if err != nil {
		return err
	}
	multiplier := current.StepMultiplier
	if current.Previous != nil {
		report.Predicted, report.Actual = Improvement(current.Previous, model)
		multiplier = a.cfg.Step.Next(multiplier, report.Predicted, report.Actual)
	}
	search, err := trajopt.New(a.cfg.Search, controller.T, controller.DX, controller.DU)
	if err != nil {
		return err
	}
	problem := trajopt.Problem{Dynamics: model.Dynamics, X0: model.X0, Cost: model.Cost, Anchor: controller, MaxEnt: a.cfg.MaxEntropy}
	report.StepMultiplier, report.Bound = multiplier, a.cfg.KLStep*multiplier*float64(controller.T)
	next.Controller, err = a.update(search, &problem, current.Eta, report)
	if err != nil {
		return err
	}
	next.Eta, next.StepMultiplier, next.Prior, next.Previous = report.Eta, multiplier, prior, model
	if report.Anchored {
		next.Eta = current.Eta // the largest one is no place to begin
		report.Warnings = append(report.Warnings, fmt.Sprintf("iteration %d, condition %d: no dual variable up to %.3g kept the KL bound of %.3g nat, so that the controller stays as it is: check the scale of the cost and whether the fitted dynamics blow up over the horizon",
			state.Iteration+1, m, a.cfg.Search.MaxEta, report.Bound))
	}
	return nil
}

// update searches the new controller within report's bound, and reports on it.
func (a *TrajOpt) update(search *trajopt.Optimizer, p *trajopt.Problem, eta float64, report *ConditionReport) (*lqg.Controller, error) {
	if !a.cfg.BoundEachStep {
		r, err := search.Update(p, report.Bound, eta)
		if err != nil {
			return nil, err
		}
		report.KL, report.Eta, report.Active, report.Anchored, report.Passes = r.KL, r.Eta, r.Active, r.Anchored, r.Passes
		return r.Controller, nil
	}
	T := p.Anchor.T
	bounds, etas := make([]float64, T), make([]float64, T)
	for t := range T {
		bounds[t], etas[t] = report.Bound/float64(T), eta
	}
	r, err := search.UpdatePerStep(p, bounds, etas)
	if err != nil {
		return nil, err
	}
	logEta := 0.0
	for t, v := range r.Eta {
		report.KL += r.KLPerStep[t]
		report.Active = report.Active || v > a.cfg.Search.MinEta && !r.Anchored
		logEta += math.Log(v) / float64(T)
	}
	report.Eta, report.Anchored, report.Passes = math.Exp(logEta), r.Anchored, r.Passes
	return r.Controller, nil
}

// model fits what the samples say: dynamics, initial state and cost.
func (a *TrajOpt) model(ctx context.Context, state *State, m int, samples []*rollout.Rollout, report *ConditionReport) (*Model, *dynamics.MixturePrior, error) {
	prior := state.Conditions[m].Prior
	initial := dynamics.InitialStateConfig{MinVariance: a.cfg.MinInitialVariance, Strength: a.cfg.Dynamics.Strength}
	var source dynamics.Prior
	if a.cfg.UsePrior {
		prior = prior.Add(a.cfg.Prior, samples)
		trace, err := prior.Fit(ctx, a.cfg.Prior, state.stream(m))
		if err != nil {
			return nil, nil, err
		}
		report.EMSteps = len(trace.LogLikelihoods)
		if source, err = dynamics.FromMixture(prior.Mixture); err != nil {
			return nil, nil, err
		}
	}
	dyn, fit, err := dynamics.Fit(samples, source, a.cfg.Dynamics)
	if err != nil {
		return nil, nil, err
	}
	report.Warnings = fit.Warnings
	x0, err := dynamics.FitInitialState(samples, prior.Rollouts, initial)
	if err != nil {
		return nil, nil, err
	}
	T, dX, dU := samples[0].T, samples[0].DX, samples[0].DU
	expansions := make([]*cost.Expansion, len(samples))
	for n, s := range samples {
		expansions[n] = cost.NewExpansion(T, dX, dU)
		if err := cost.Expand(expansions[n], a.costs[m], s); err != nil {
			return nil, nil, fmt.Errorf("rollout %d: %w", n, err)
		}
		report.SampleCosts = append(report.SampleCosts, expansions[n].Total())
	}
	model := &Model{Controller: state.Conditions[m].Controller, Dynamics: dyn, X0: x0, Cost: lqg.NewCost(T, dX, dU)}
	if err := cost.QuadraticMean(model.Cost, expansions, samples); err != nil {
		return nil, nil, err
	}
	return model, prior, nil
}
