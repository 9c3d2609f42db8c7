package mixture

import (
	"context"
	"math"

	"guidedpolicysearch/gps/trace"
)

// recording is what a fit leaves in the trace of its context, if there is one: the mixture that it
// starts with and the one it ends with, and log-likelihood, weights and means at each E-step. (The
// covariances of each step would take longer to copy than some steps.)
type recording struct {
	scope *trace.Scope
	steps int
}

func newRecording(ctx context.Context, start *Mixture) recording {
	r := recording{scope: trace.From(ctx)}
	r.mixture("start", start)
	return r
}

// mixture records a whole mixture.
func (r *recording) mixture(name string, m *Mixture) {
	if r.scope == nil {
		return
	}
	s := r.scope.In(name)
	weights := s.Space("weights", m.K)
	for k := range weights {
		weights[k] = math.Exp(m.LogWeights[k])
	}
	s.Array("means", m.Means, m.K, m.D)
	s.Array("covariances", m.Covs, m.K, m.D, m.D)
}

// step records the parameters of the E-step just done, with the log-likelihood that it found.
func (r *recording) step(e *em, logLikelihood float64) {
	if r.scope == nil {
		return
	}
	s := r.scope.At("step", r.steps)
	r.steps++
	s.Log("log_likelihood", logLikelihood)
	weights := s.Space("weights", e.m.K)
	for k := range weights {
		weights[k] = math.Exp(e.m.logWeights[k])
	}
	if means := s.Space("means", e.m.K, e.m.D); means != nil {
		for k := range e.m.K {
			for i, v := range e.m.mean(k)[:e.m.D] {
				to := e.m.order[i]
				means[k*e.m.D+to] = e.coordinates.shift[to] + e.coordinates.scale[to]*v
			}
		}
	}
}

// end records what the fit found.
func (r *recording) end(t *Trace, m *Mixture, mass []float64) {
	if r.scope == nil {
		return
	}
	r.mixture("end", m)
	r.scope.Array("log_likelihoods", t.LogLikelihoods)
	r.scope.Array("mass", mass)
	r.scope.Ints("revivals", t.Revivals)
}
