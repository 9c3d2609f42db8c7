package algorithm

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"

	"guidedpolicysearch/gps/cost"
	"guidedpolicysearch/gps/dynamics"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/gps/trace"
	"guidedpolicysearch/gps/trajopt"
)

// core is what all algorithms do with the samples of a condition: it fits what they say, and
// updates a controller under it.
type core struct {
	cfg TrajOptConfig
	// costs has one term per condition.
	costs []cost.Term
	spare workspaces
	// expanding is held while a cost is expanded. Terms own workspace, and those of several
	// conditions may be one term, or share a part such as the kinematics of the arm.
	expanding sync.Mutex
	mean      *cost.Mean
}

func newCore(cfg TrajOptConfig, costs []cost.Term) (*core, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &core{cfg: cfg, costs: costs}, nil
}

// begin checks state and samples, and returns what the iteration fills.
func (c *core) begin(state *State, samples [][]*rollout.Rollout) (*State, *Report, error) {
	if len(samples) != len(state.Conditions) || len(c.costs) != len(state.Conditions) {
		return nil, nil, fmt.Errorf("%w: %d conditions, samples of %d, costs of %d", ErrSamples, len(state.Conditions), len(samples), len(c.costs))
	}
	if err := state.validate(); err != nil {
		return nil, nil, err
	}
	next := &State{Iteration: state.Iteration + 1, Seed: state.Seed, Conditions: make([]Condition, len(samples))}
	return next, &Report{Iteration: next.Iteration, Conditions: make([]ConditionReport, len(samples))}, nil
}

// model fits what condition m's samples say: dynamics, initial state and cost. The prior is
// that of the condition with the samples added.
func (c *core) model(ctx context.Context, state *State, samples []*rollout.Rollout, m, workers int, report *ConditionReport) (*Model, *dynamics.MixturePrior, error) {
	cfg, current := &c.cfg, &state.Conditions[m]
	if err := suit(samples, current.Controller); err != nil {
		return nil, nil, err
	}
	prior := current.Prior
	var source dynamics.Prior
	if cfg.UsePrior {
		settings := cfg.Prior
		settings.EM.Workers = workers
		prior = prior.Add(settings, samples)
		end := trace.Phase(ctx, phasePrior)
		fit, err := prior.Fit(trace.With(ctx, "prior"), settings, state.stream(m))
		end()
		if err != nil {
			return nil, nil, err
		}
		report.EMSteps = len(fit.LogLikelihoods)
		if source, err = dynamics.FromMixture(prior.Mixture); err != nil {
			return nil, nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	dyn, err := c.dynamics(ctx, current.Controller, samples, source, workers, report)
	if err != nil {
		return nil, nil, err
	}
	x0, err := dynamics.FitInitialState(samples, prior.Rollouts, dynamics.InitialStateConfig{MinVariance: cfg.MinInitialVariance, Strength: cfg.Dynamics.Strength})
	if err != nil {
		return nil, nil, err
	}
	model := &Model{Controller: current.Controller, Dynamics: dyn, X0: x0, Cost: lqg.NewCost(dyn.T, dyn.DX, dyn.DU)}
	if err := c.expand(ctx, model.Cost, m, samples, report); err != nil {
		return nil, nil, err
	}
	recordModel(trace.From(ctx), model, report)
	return model, prior, nil
}

// dynamics fits those of the samples.
func (c *core) dynamics(ctx context.Context, of *lqg.Controller, samples []*rollout.Rollout, prior dynamics.Prior, workers int, report *ConditionReport) (*lqg.Dynamics, error) {
	defer trace.Phase(ctx, phaseDynamics)()
	settings := c.cfg.Dynamics
	settings.Workers = workers
	fitter, err := dynamics.NewFitter(settings, of.T, of.DX, of.DU)
	if err != nil {
		return nil, err
	}
	defer fitter.Stop()
	fitter.Trace(trace.From(ctx).In("dynamics"))
	dyn := lqg.NewDynamics(of.T, of.DX, of.DU)
	fit, err := fitter.Fit(dyn, samples, prior)
	if err != nil {
		return nil, err
	}
	report.Warnings = fit.Warnings
	return dyn, nil
}

// suit returns an error wrapping ErrSamples unless all samples are of the controller's size.
func suit(samples []*rollout.Rollout, controller *lqg.Controller) error {
	for n, s := range samples {
		if s == nil {
			return fmt.Errorf("%w: rollout %d is missing", ErrSamples, n)
		}
		if s.T != controller.T || s.DX != controller.DX || s.DU != controller.DU || len(s.X) != (s.T+1)*s.DX || len(s.U) != s.T*s.DU {
			return fmt.Errorf("%w: rollout %d has T=%d dX=%d dU=%d, with %d numbers for states and %d for actions, the controller T=%d dX=%d dU=%d", ErrSamples, n, s.T, s.DX, s.DU, len(s.X), len(s.U), controller.T, controller.DX, controller.DU)
		}
	}
	return nil
}

// expand sets dst to the mean expansion of condition m's cost, and reports the samples' costs.
func (c *core) expand(ctx context.Context, dst *lqg.Cost, m int, samples []*rollout.Rollout, report *ConditionReport) error {
	defer trace.Phase(ctx, phaseCost)()
	report.SampleCosts = make([]float64, len(samples))
	c.expanding.Lock()
	defer c.expanding.Unlock()
	if c.mean == nil || !c.mean.Fits(dst.T, dst.DX, dst.DU) {
		c.mean = cost.NewMean(dst.T, dst.DX, dst.DU)
	}
	if err := c.mean.Run(ctx, dst, report.SampleCosts, c.costs[m], samples); err != nil {
		return err
	}
	scope := trace.From(ctx).In("cost").In("terms")
	for _, share := range c.mean.Shares() {
		report.CostTerms = append(report.CostTerms, CostTerm{Name: share.Name, Mean: share.Mean()})
		scope.Array(share.Name, share.Costs)
	}
	return nil
}

// improvement is Improvement, in a workspace that is kept.
func (c *core) improvement(previous, current *Model) (predicted, actual float64, err error) {
	work, err := c.spare.take(c.cfg.Search, current.Controller)
	if err != nil {
		return 0, 0, err
	}
	defer c.spare.giveBack(work)
	predicted, actual = work.expectation.improvement(previous, current)
	return predicted, actual, nil
}

// step is an update of one condition's controller.
type step struct {
	problem *trajopt.Problem
	// drawn is what drew the samples: a controller, or the linearised policy. Both are for PI2 and
	// PILQR.
	drawn   *lqg.Controller
	samples []*rollout.Rollout
	before  *Condition
	// iteration counts from 1, for errors; m is the condition.
	iteration, m int
}

// update sets next's controller, and what the next update begins with, from next's multiplier. It
// reports on the step.
func (c *core) update(ctx context.Context, s *step, next *Condition, report *ConditionReport) (err error) {
	defer trace.Phase(ctx, phaseTrajectory)()
	scope := trace.From(ctx)
	recordBefore(scope, s)
	defer func() {
		if err == nil {
			recordUpdate(scope, next, report)
		}
	}()
	p := s.problem
	p.Trace = scope.In("search")
	report.StepMultiplier, report.Bound = next.StepMultiplier, c.cfg.KLStep*next.StepMultiplier*float64(p.Anchor.T)
	next.Eta, next.PathIntegral = s.before.Eta, s.before.PathIntegral
	switch c.cfg.Update {
	case PI2:
		return c.pathIntegral(scope, s, next, report)
	case PILQR:
		if err := c.pilqr(scope, s, next, report); err != nil {
			return err
		}
	default:
		work, err := c.spare.take(c.cfg.Search, p.Anchor)
		if err != nil {
			return err
		}
		if next.Controller, err = c.search(work.search, p, next.Eta, report); err != nil {
			return err
		}
		c.spare.giveBack(work)
		if !report.Anchored { // the largest one is no place to begin
			next.Eta = report.Eta
		}
	}
	if !report.Anchored {
		return nil
	}
	warning := fmt.Sprintf("iteration %d, condition %d: no dual variable up to %.3g kept the KL bound of %.3g nat, so that the controller stays as it is: check the scale of the cost and whether the fitted dynamics blow up over the horizon",
		s.iteration, s.m, c.cfg.Search.MaxEta, report.Bound)
	if !slices.Contains(report.Warnings, warning) { // of an earlier turn
		report.Warnings = append(report.Warnings, warning)
	}
	return nil
}

// search finds the new controller within report's bound, and reports on it.
func (c *core) search(search *trajopt.Optimizer, p *trajopt.Problem, eta float64, report *ConditionReport) (*lqg.Controller, error) {
	if !c.cfg.BoundEachStep {
		r, err := search.Update(p, report.Bound, eta)
		if err != nil {
			return nil, err
		}
		report.KL, report.Eta, report.Active, report.Anchored, report.Passes = r.KL, r.Eta, r.Active, r.Anchored, r.Passes
		return r.Controller, nil
	}
	report.KL, report.Active = 0, false // of an earlier turn
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
		report.Active = report.Active || v > c.cfg.Search.MinEta && !r.Anchored
		logEta += math.Log(v) / float64(T)
	}
	report.Eta, report.Anchored, report.Passes = math.Exp(logEta), r.Anchored, r.Passes
	return r.Controller, nil
}
