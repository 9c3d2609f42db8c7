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

// improve runs condition m's iteration.
func (it *iteration) improve(m int) error {
	cfg, current, next, report, samples := &it.a.cfg, &it.state.Conditions[m], &it.next.Conditions[m], &it.report.Conditions[m], it.samples[m]
	controller := current.Controller
	for n, s := range samples {
		if s == nil {
			return fmt.Errorf("%w: rollout %d is missing", ErrSamples, n)
		}
		if s.T != controller.T || s.DX != controller.DX || s.DU != controller.DU || len(s.X) != (s.T+1)*s.DX || len(s.U) != s.T*s.DU {
			return fmt.Errorf("%w: rollout %d has T=%d dX=%d dU=%d, with %d numbers for states and %d for actions, the controller T=%d dX=%d dU=%d", ErrSamples, n, s.T, s.DX, s.DU, len(s.X), len(s.U), controller.T, controller.DX, controller.DU)
		}
	}
	model, prior, err := it.model(m)
	if err != nil {
		return err
	}
	if err := it.ctx.Err(); err != nil {
		return err
	}
	work, err := it.a.spare.take(cfg.Search, controller)
	if err != nil {
		return err
	}
	multiplier := current.StepMultiplier
	if current.Previous != nil {
		report.Predicted, report.Actual = work.expectation.improvement(current.Previous, model)
		multiplier = cfg.Step.Next(multiplier, report.Predicted, report.Actual)
	}
	problem := trajopt.Problem{Dynamics: model.Dynamics, X0: model.X0, Cost: model.Cost, Anchor: controller, MaxEnt: cfg.MaxEntropy}
	report.StepMultiplier, report.Bound = multiplier, cfg.KLStep*multiplier*float64(controller.T)
	if next.Controller, err = it.a.update(work.search, &problem, current.Eta, report); err != nil {
		return err
	}
	it.a.spare.giveBack(work)
	next.Eta, next.StepMultiplier, next.Prior, next.Previous = report.Eta, multiplier, prior, model
	if report.Anchored {
		next.Eta = current.Eta // the largest one is no place to begin
		report.Warnings = append(report.Warnings, fmt.Sprintf("iteration %d, condition %d: no dual variable up to %.3g kept the KL bound of %.3g nat, so that the controller stays as it is: check the scale of the cost and whether the fitted dynamics blow up over the horizon",
			it.state.Iteration+1, m, cfg.Search.MaxEta, report.Bound))
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

// model fits what condition m's samples say: dynamics, initial state and cost.
func (it *iteration) model(m int) (*Model, *dynamics.MixturePrior, error) {
	cfg, current, report, samples := &it.a.cfg, &it.state.Conditions[m], &it.report.Conditions[m], it.samples[m]
	prior := current.Prior
	var source dynamics.Prior
	if cfg.UsePrior {
		settings := cfg.Prior
		settings.EM.Workers = it.inner
		prior = prior.Add(settings, samples)
		trace, err := prior.Fit(it.ctx, settings, it.state.stream(m))
		if err != nil {
			return nil, nil, err
		}
		report.EMSteps = len(trace.LogLikelihoods)
		if source, err = dynamics.FromMixture(prior.Mixture); err != nil {
			return nil, nil, err
		}
	}
	if err := it.ctx.Err(); err != nil {
		return nil, nil, err
	}
	settings := cfg.Dynamics
	settings.Workers = it.inner
	dyn, fit, err := dynamics.Fit(samples, source, settings)
	if err != nil {
		return nil, nil, err
	}
	report.Warnings = fit.Warnings
	x0, err := dynamics.FitInitialState(samples, prior.Rollouts, dynamics.InitialStateConfig{MinVariance: cfg.MinInitialVariance, Strength: cfg.Dynamics.Strength})
	if err != nil {
		return nil, nil, err
	}
	model := &Model{Controller: current.Controller, Dynamics: dyn, X0: x0, Cost: lqg.NewCost(dyn.T, dyn.DX, dyn.DU)}
	report.SampleCosts = make([]float64, len(samples))
	if err := it.a.expand(it.ctx, model.Cost, report.SampleCosts, m, samples); err != nil {
		return nil, nil, err
	}
	return model, prior, nil
}

// expand sets dst to the mean expansion of condition m's cost, and costs to the samples'.
func (a *TrajOpt) expand(ctx context.Context, dst *lqg.Cost, costs []float64, m int, samples []*rollout.Rollout) error {
	a.expanding.Lock()
	defer a.expanding.Unlock()
	if a.mean == nil || !a.mean.Fits(dst.T, dst.DX, dst.DU) {
		a.mean = cost.NewMean(dst.T, dst.DX, dst.DU)
	}
	return a.mean.Run(ctx, dst, costs, a.costs[m], samples)
}
