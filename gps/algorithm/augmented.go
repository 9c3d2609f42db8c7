package algorithm

import (
	"math"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/gps/trajopt"
)

// improvement compares values of what the update before minimised, the expected cost with the pull
// towards the policy as it was then: of the previous controller under its own model, of the current
// one under that model (what the update promised), and of the current one under its own. Judged by the
// cost alone, a controller that gave some of it up to agree with the policy would have failed. States
// of programs that did not keep the linearised policy are judged by the cost.
func (a *alternating) improvement(current *Condition, model *Model) (predicted, actual float64, err error) {
	if current.Linear == nil {
		return a.core.improvement(current.Previous, model)
	}
	e := policy.NewEstimator(current.Linear.Sizes())
	before := a.value(e, current, current.Previous.Controller, current.Previous)
	return difference(before, a.value(e, current, current.Controller, current.Previous)), difference(before, a.value(e, current, current.Controller, model)), nil
}

// value is the objective of a controller under a model, +Inf where it overflows. of has the linearised
// policy and its multipliers.
func (a *alternating) value(e *policy.Estimator, of *Condition, c *lqg.Controller, model *Model) float64 {
	p := trajopt.Problem{Cost: model.Cost}
	a.agree.problem(&p, of.Linear, of.Duals)
	v, _, err := e.Run(c, of.Linear, model.Dynamics, model.X0, p.Cost)
	if err != nil {
		return math.Inf(1)
	}
	if p.Policy == nil { // the cost has the pull
		return v
	}
	for t, kl := range e.KL {
		v += of.Duals.Weight[t] * kl
	}
	return v - of.Duals.Expected(e.Marginals())
}
