package algorithm

import (
	"fmt"
	"math"

	"guidedpolicysearch/gps/cost"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/pi2"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/gps/trace"
)

// pathIntegral is the PI2 update.
func (c *core) pathIntegral(scope *trace.Scope, s *step, next *Condition, report *ConditionReport) error {
	costs, err := c.stepCosts(s.m, s.samples)
	if err != nil {
		return err
	}
	r, err := pi2.Update(c.cfg.PathIntegral.PI2, s.problem.Anchor, s.samples, costs)
	if err != nil {
		return err
	}
	recordPathIntegral(scope.In("pi2"), r, len(s.samples))
	next.Controller = r.Controller
	report.KL, report.Bound, report.Eta = r.KL, 0, geometricMean(r.Temperature)
	return finiteStep(report.KL)
}

// pilqr is the PILQR update.
func (c *core) pilqr(scope *trace.Scope, s *step, next *Condition, report *ConditionReport) error {
	costs, err := c.stepCosts(s.m, s.samples)
	if err != nil {
		return err
	}
	T, dX, dU := s.problem.Anchor.Sizes()
	cfg := c.cfg.PathIntegral
	cfg.Search = c.cfg.Search
	q, err := pi2.NewPILQR(cfg, T, dX, dU)
	if err != nil {
		return err
	}
	state := next.PathIntegral
	if state == nil {
		state = pi2.NewState(T, next.Eta)
	}
	bounds := make([]float64, T)
	for t := range bounds {
		bounds[t] = report.Bound / float64(T)
	}
	r, err := q.Update(state, s.problem, s.drawn, s.samples, costs, bounds)
	if err != nil {
		return err
	}
	recordPILQR(scope.In("pilqr"), r)
	recordPathIntegral(scope.In("pi2"), r.Residual, len(s.samples))
	next.Controller, next.PathIntegral = r.Controller, r.State
	report.Bound = 0
	for _, v := range r.Bound {
		report.Bound += v
	}
	report.Eta = geometricMean(r.State.Eta)
	report.Active, report.Anchored, report.Passes = r.Active, r.Anchored, r.Passes
	if next.Eta = report.Eta; report.Anchored {
		next.Eta = s.before.Eta
	}
	// What the bound is on is the model-based part; the whole step is told.
	marginals := lqg.NewTrajectory(T, dX, dU)
	if err := lqg.NewForwardPass(dX, dU).Run(marginals, s.problem.X0, r.Controller, s.problem.Dynamics); err != nil {
		return err
	}
	report.KL = lqg.NewDivergence(dX, dU).PerStep(make([]float64, T), r.Controller, s.problem.Anchor, marginals)
	return finiteStep(report.KL)
}

// finiteStep returns an error where a path integral update leads out of what numbers hold.
func finiteStep(kl float64) error {
	if kl-kl == 0 {
		return nil
	}
	return fmt.Errorf("%w: the divergence of the path integral update from the controller before is %v: look for samples whose actions are far from those of the controller that drew them, and for covariances that are tiny", lqg.ErrNotFinite, kl)
}

// stepCosts returns the costs of condition m's samples per time step, N x T.
func (c *core) stepCosts(m int, samples []*rollout.Rollout) ([][]float64, error) {
	c.expanding.Lock()
	defer c.expanding.Unlock()
	e := cost.NewExpansion(samples[0].T, samples[0].DX, samples[0].DU)
	costs := make([][]float64, len(samples))
	for n, r := range samples {
		e.Reset()
		if err := c.costs[m].Add(e, 1, r); err != nil {
			return nil, err
		}
		costs[n] = append([]float64(nil), e.L...)
	}
	return costs, nil
}

func geometricMean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += math.Log(x) / float64(len(v))
	}
	return math.Exp(sum)
}
