package trajopt

import (
	"sync"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/trace"
)

// recording is what a search leaves in a trace, if there is one: every pass, and of the controller that
// it ends with the states and the Q functions, in the problem's own units, which the search itself does
// not have.
type recording struct {
	scope  *trace.Scope
	passes int
}

func newRecording(scope *trace.Scope) recording { return recording{scope: scope} }

// stop ends the recording, so that an optimizer that is kept does not hold it.
func (r *recording) stop() { r.scope = nil }

// pass records a backward and forward pass at eta; kl and klStep count where ok is true.
func (r *recording) pass(eta, kl float64, ok bool, klStep []float64) {
	if r.scope == nil {
		return
	}
	s := r.scope.At("pass", r.passes)
	r.passes++
	s.Log("eta", eta)
	s.Bool("ok", ok)
	if ok {
		s.Log("kl", kl)
		s.Array("kl_per_step", klStep)
	}
}

// passSteps records a pass with one eta per step.
func (r *recording) passSteps(eta, klStep []float64) {
	if r.scope == nil {
		return
	}
	s := r.scope.At("pass", r.passes)
	r.passes++
	s.Array("eta", eta)
	s.Array("kl_per_step", klStep)
}

// end records the result of a search with one bound over the trajectory.
func (r *recording) end(o *Optimizer, p *Problem, result *Result) {
	if r.scope == nil {
		return
	}
	s := r.scope
	s.Log("eta", result.Eta)
	s.Log("kl", result.KL)
	s.Array("kl_per_step", result.KLPerStep)
	s.Bool("active", result.Active)
	s.Bool("anchored", result.Anchored)
	r.states(p, result.Controller)
	if !result.Anchored && (s.Wants("Q_quad") || s.Wants("Q_lin")) {
		r.qFunctions(o, p, result.Eta)
	}
}

// endSteps records the result of a search with one bound per step.
func (r *recording) endSteps(o *Optimizer, p *Problem, result *PerStepResult) {
	if r.scope == nil {
		return
	}
	s := r.scope
	s.Array("eta", result.Eta)
	s.Array("kl_per_step", result.KLPerStep)
	s.Bool("settled", result.Settled)
	s.Bool("anchored", result.Anchored)
	if o.cfg.Search == Secant { // of the last backward pass
		s.Array("q_eigenvalues", o.steps.q.g, o.T, o.dU)
	}
	r.states(p, result.Controller)
}

// states records a controller and the marginals of states and actions under it.
func (r *recording) states(p *Problem, c *lqg.Controller) {
	s := r.scope
	s.Steady("gain", c.K, c.T, c.DU, c.DX)
	s.Steady("bias", c.Bias, c.T, c.DU)
	s.Steady("chol", c.Chol, c.T, c.DU, c.DU)
	if !s.Wants("marginal_mean") && !s.Wants("marginal_covariance") {
		return
	}
	x0, dynamics, d := p.X0, p.Dynamics, c.DX+c.DU
	run := sync.OnceValue(func() *lqg.Trajectory {
		marginals := lqg.NewTrajectory(c.T, c.DX, c.DU)
		// Where it overflows, what does is recorded.
		_ = lqg.NewForwardPass(c.DX, c.DU).Run(marginals, x0, c, dynamics)
		return marginals
	})
	s.Later("marginal_mean", func(dst []float64) { copy(dst, run().Mean) }, c.T+1, d)
	s.Later("marginal_covariance", func(dst []float64) { copy(dst, run().Cov) }, c.T+1, d, d)
}

// qFunctions records those of the cost and eta KL, if there are any at eta.
func (r *recording) qFunctions(o *Optimizer, p *Problem, eta float64) {
	T, dX, dU, of, underAnchor := o.T, o.dX, o.dU, *p, o.cfg.PropagateAnchor
	run := sync.OnceValue(func() *lqg.QFunctions {
		pass := lqg.NewBackwardPass(dX, dU)
		pass.Keep = lqg.NewQFunctions(T, dX, dU)
		if underAnchor {
			pass.PropagateUnder = of.Anchor
		}
		objective := &lqg.Objective{Cost: of.Cost, Anchor: lqg.NewSurrogate(of.Anchor), MaxEnt: of.MaxEnt, Policy: of.Policy, ReferenceScale: of.ReferenceScale}
		// The search had a controller at eta; where rounding leaves none here, later steps are recorded.
		_ = pass.Run(lqg.NewController(T, dX, dU), objective, of.Dynamics, eta)
		return pass.Keep
	})
	r.scope.Later("Q_quad", func(dst []float64) { copy(dst, run().Quad) }, T, dX+dU, dX+dU)
	r.scope.Later("Q_lin", func(dst []float64) { copy(dst, run().Lin) }, T, dX+dU)
	if p.Policy != nil { // whose multipliers change before what is left for later is computed
		run()
	}
}
