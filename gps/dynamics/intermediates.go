package dynamics

import (
	"sync"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/gps/trace"
)

// intermediates are the places where a fit's time steps are recorded, each by the worker that has it; a
// place is nil where it is not recorded. P is 2 dX + dU.
type intermediates struct {
	p int
	// mean (T x P) and covariance (T x P x P, regularised) are those of the posterior's joint Gaussian; of
	// covariance what is below the diagonals is left for later.
	mean, covariance []float64
}

// begin gives the workers the places, where the fit is recorded.
func (f *Fitter) begin(samples []*rollout.Rollout, prior Prior) {
	if f.scope == nil {
		return
	}
	P := 2*f.dX + f.dU
	s := &intermediates{p: P, mean: f.scope.Space("joint_mean", f.T, P), covariance: f.scope.Later("joint_covariance", func(dst []float64) { mirror(dst, P) }, f.T, P, P)}
	if prior != nil {
		recordPriors(f.scope, samples, prior.Fork(), f.T, P)
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

// recordPriors records the priors of all time steps: means (T x P), scatters (T x P x P) and their two
// weights (T x 2: m and nu, see NIW). They are computed once more, later: a fit has room for one.
func recordPriors(scope *trace.Scope, samples []*rollout.Rollout, source Prior, T, P int) {
	run := sync.OnceValue(func() []NIW {
		list := make([]NIW, T)
		for t := range list {
			// The fit, which had the same, has told the error if there is one.
			_ = source.At(&list[t], t, transitions(nil, samples, t))
		}
		return list
	})
	scope.Later("prior_mean", func(dst []float64) {
		for t, p := range run() {
			copy(dst[t*P:(t+1)*P], p.Mean)
		}
	}, T, P)
	scope.Later("prior_scatter", func(dst []float64) {
		for t, p := range run() {
			copy(dst[t*P*P:(t+1)*P*P], p.Scatter)
		}
	}, T, P, P)
	scope.Later("prior_weights", func(dst []float64) {
		for t, p := range run() {
			dst[2*t], dst[2*t+1] = p.NMean, p.NCovar
		}
	}, T, 2)
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
	if s.covariance == nil {
		return
	}
	// A column from its diagonal on is a row of the upper triangle.
	sigma := s.covariance[t*s.p*s.p : (t+1)*s.p*s.p]
	for k := range j.in {
		row, column := sigma[k*s.p:(k+1)*s.p], j.sigma.Column(k, j.rows)
		copy(row[k:j.in], column[k:j.in])
		copy(row[j.in:], column[j.pin:j.pin+j.out])
	}
	for k := range j.out {
		copy(sigma[(j.in+k)*s.p+j.in+k:(j.in+k+1)*s.p], j.noise.Column(k, j.out)[k:])
	}
}

// mirror copies what is above the diagonals of matrices, n x n each, to below.
func mirror(matrices []float64, n int) {
	for ; len(matrices) > 0; matrices = matrices[n*n:] {
		for i := range n {
			for j := range i {
				matrices[i*n+j] = matrices[j*n+i]
			}
		}
	}
}
