package dynamics

import "guidedpolicysearch/gps/lqg"

// intermediates are the places where a fit's time steps are recorded, each by the worker that has it; a
// place is nil where it is not recorded. P is 2 dX + dU.
type intermediates struct {
	p int
	// priorMean is T x P, priorScatter T x P x P, priorWeights T x 2: n of the mean and of the scatter.
	priorMean, priorScatter, priorWeights []float64
	// mean (T x P) and covariance (T x P x P, regularised) are those of the posterior's joint Gaussian.
	mean, covariance []float64
}

// begin gives the workers the places, where the fit is recorded.
func (f *Fitter) begin(prior bool) {
	if f.scope == nil {
		return
	}
	P := 2*f.dX + f.dU
	s := &intermediates{p: P, mean: f.scope.Space("joint_mean", f.T, P), covariance: f.scope.Space("joint_covariance", f.T, P, P)}
	if prior {
		s.priorMean, s.priorScatter, s.priorWeights = f.scope.Space("prior_mean", f.T, P), f.scope.Space("prior_scatter", f.T, P, P), f.scope.Space("prior_weights", f.T, 2)
	}
	f.scope.Log("regularization", f.cfg.Regularization)
	f.scope.Log("noise_floor", f.cfg.NoiseFloor)
	f.scope.Log("strength", f.cfg.Strength)
	for _, w := range f.workers {
		w.seen = s
	}
}

// end records the result.
func (f *Fitter) end(d *lqg.Dynamics) {
	f.scope.Array("F", d.F, d.T, d.DX, d.DX+d.DU)
	f.scope.Array("bias", d.Bias, d.T, d.DX)
	f.scope.Array("covariance", d.Cov, d.T, d.DX, d.DX)
}

// prior records the prior of time step t; nil for none.
func (s *intermediates) prior(t int, prior *NIW) {
	if s == nil || prior == nil {
		return
	}
	if s.priorWeights != nil {
		s.priorWeights[2*t], s.priorWeights[2*t+1] = prior.NMean, prior.NCovar
	}
	if s.priorMean != nil {
		copy(s.priorMean[t*s.p:(t+1)*s.p], prior.Mean)
	}
	if s.priorScatter != nil {
		copy(s.priorScatter[t*s.p*s.p:(t+1)*s.p*s.p], prior.Scatter)
	}
}

// joint records the Gaussian that time step t's dynamics are conditioned from.
func (s *intermediates) joint(t int, j *joint) {
	if s == nil {
		return
	}
	if s.mean != nil {
		mean := s.mean[t*s.p : (t+1)*s.p]
		copy(mean, j.mean[:j.in])
		copy(mean[j.in:], j.mean[j.pin:j.pin+j.out])
	}
	if s.covariance != nil {
		j.unpack(s.covariance[t*s.p*s.p : (t+1)*s.p*s.p])
	}
}
