package algorithm

import (
	"math"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/nn"
	"guidedpolicysearch/gps/pi2"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/gps/trace"
)

// The phases of an iteration (trace.Phases).
const (
	phasePrior      = "prior"
	phaseDynamics   = "dynamics"
	phaseCost       = "cost"
	phaseTrajectory = "trajectory"
	phasePolicy     = "policy"
)

// recordModel records what the samples of a condition say of x_0 and of the cost.
func recordModel(s *trace.Scope, m *Model, report *ConditionReport) {
	if s == nil {
		return
	}
	x0, costs, c, d := s.In("x0"), s.In("cost"), m.Cost, m.Cost.DX+m.Cost.DU
	x0.Array("mean", m.X0.Mean)
	x0.Array("covariance", m.X0.Cov, c.DX, c.DX)
	costs.Array("samples", report.SampleCosts)
	costs.Steady("quad", c.Quad, c.T+1, d, d)
	costs.Steady("lin", c.Lin, c.T+1, d)
	costs.Array("const", c.Const)
}

// recordController records a controller, which does not change any more.
func recordController(s *trace.Scope, c *lqg.Controller) {
	s.Steady("gain", c.K, c.T, c.DU, c.DX)
	s.Steady("bias", c.Bias, c.T, c.DU)
	s.Steady("chol", c.Chol, c.T, c.DU, c.DU)
}

// recordBefore records what an update begins with.
func recordBefore(s *trace.Scope, of *step) {
	if s == nil {
		return
	}
	recordController(s.In("anchor"), of.problem.Anchor)
	if p := of.problem.Policy; p != nil {
		s.Array("policy_weight", p.Weight)
	}
	s.Log("max_entropy", of.problem.MaxEnt)
	s.Log("eta_before", of.before.Eta)
}

// recordUpdate records what an update ends with, and its report.
func recordUpdate(s *trace.Scope, next *Condition, r *ConditionReport) {
	if s == nil {
		return
	}
	recordController(s.In("controller"), next.Controller)
	s = s.In("report")
	s.Log("kl", r.KL)
	s.Log("bound", r.Bound)
	s.Log("eta", r.Eta)
	s.Log("step_multiplier", r.StepMultiplier)
	s.Log("predicted_improvement", r.Predicted)
	s.Log("actual_improvement", r.Actual)
	s.Int("passes", r.Passes)
	s.Int("em_steps", r.EMSteps)
	s.Bool("active", r.Active)
	s.Bool("anchored", r.Anchored)
	s.Texts("warnings", r.Warnings)
}

// recordPathIntegral records a PI2 step of N samples.
func recordPathIntegral(s *trace.Scope, r *pi2.Result, N int) {
	s.Array("temperature", r.Temperature)
	s.Array("weight", r.Weight, len(r.Temperature), N)
	s.Array("weight_kl", r.WeightKL)
	s.Array("effective_samples", r.EffectiveSamples)
	s.Array("kl_per_step", r.KLPerStep)
}

// recordPILQR records the LQR step of PILQR.
func recordPILQR(s *trace.Scope, r *pi2.PILQRResult) {
	if s == nil {
		return
	}
	recordController(s.In("model"), r.Model)
	s.Array("bound", r.Bound)
	s.Array("residual_ratio", r.ResidualRatio)
	s.Array("multiplier", r.State.Multiplier)
	s.Array("kl_per_step", r.KLPerStep)
}

// recordLinearisation records the policy, linearised along N samples, and its mean actions there.
func recordLinearisation(s *trace.Scope, c *lqg.Controller, means []float64, N int) {
	if s == nil {
		return
	}
	recordController(s, c)
	s.Array("actions", means, N, c.T, c.DU)
}

// recordTraining records the losses of a fit of the policy, and the factor of its covariance.
func recordTraining(s *trace.Scope, r *nn.Report, chol []float64) {
	if s == nil {
		return
	}
	dU := int(math.Sqrt(float64(len(chol))))
	s.Array("loss", r.TrainLoss)
	s.Array("held_out_loss", r.HeldOutLoss)
	s.Int("best_epoch", r.BestEpoch)
	s.Int("steps", r.Steps)
	s.Array("chol", chol, dU, dU)
}

// recordDuals records the multipliers of a turn, and the divergences that they answer, none in the first.
func recordDuals(s *trace.Scope, d *policy.Duals, kl []float64) {
	if s == nil {
		return
	}
	s.Array("gain", d.Gain, d.T, d.DU, d.DX)
	s.Array("bias", d.Bias, d.T, d.DU)
	s.Array("weight", d.Weight)
	s.Array("kl_per_step", kl)
}
