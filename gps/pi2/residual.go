package pi2

import (
	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/gps/trajopt"
)

// residual evaluates the quadratic cost of a sample.
type residual struct {
	T, dX, dU int
	y, next   []float64 // [x; u], dX+dU
}

func newResidual(T, dX, dU int) *residual {
	return &residual{T: T, dX: dX, dU: dU, y: make([]float64, dX+dU), next: make([]float64, dX)}
}

// fromStates writes c^ at the recorded states and actions to dst, T or T+1.
func (r *residual) fromStates(dst []float64, cost *lqg.Cost, s *rollout.Rollout) {
	for t := range dst {
		r.observe(s, t)
		dst[t] = cost.Eval(t, r.y)
	}
}

// fromModel writes c^ at the states that p's dynamics predict from s's first one and the noise of
// drawn to dst, T or T+1. It reports whether all are finite.
func (r *residual) fromModel(dst []float64, p *trajopt.Problem, drawn *lqg.Controller, s *rollout.Rollout, noise func(t int) []float64) bool {
	r.observe(s, 0)
	d := r.dX + r.dU
	for t := range dst {
		if t < r.T {
			drawn.Act(r.y[r.dX:], r.y[:r.dX], t, noise(t))
		}
		dst[t] = p.Cost.Eval(t, r.y)
		if t == r.T {
			break
		}
		f := p.Dynamics.FAt(t)
		copy(r.next, p.Dynamics.BiasAt(t))
		for i := range r.next {
			r.next[i] += dot(f[i*d:(i+1)*d], r.y)
		}
		copy(r.y, r.next)
	}
	return dense.FirstNotFinite(dst) < 0
}

// observe writes [x_t; u_t] of s to r.y. The cost of the last state has no part of the actions.
func (r *residual) observe(s *rollout.Rollout, t int) {
	copy(r.y, s.State(t))
	if t < r.T {
		copy(r.y[r.dX:], s.Action(t))
	}
}
