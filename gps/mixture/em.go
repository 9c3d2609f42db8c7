package mixture

import (
	"context"
	"math"
)

// Trace says how a fit went.
type Trace struct {
	// LogLikelihoods lists the log-likelihood at each E-step. It never falls but at the
	// E-step after a revival.
	LogLikelihoods []float64
	// Revivals lists the E-steps (as indices into LogLikelihoods) after which a
	// component was revived.
	Revivals []int
}

// Fit improves start on the points (N x D) by expectation maximisation, in place, and
// returns its trace. The mixture it leaves is at least as likely as the last entry of the
// trace. A start whose covariances have not half the regularisation gets all of it first.
// ctx ends the fit early, with the mixture as it was after the last whole step, as an
// error does. Errors wrap ErrBadPoints or ErrDegenerate.
func Fit(ctx context.Context, start *Mixture, points []float64, cfg Config) (Trace, error) {
	var trace Trace
	if err := cfg.Validate(); err != nil {
		return trace, err
	}
	start.checkShape()
	N, err := checkPoints(points, start.D)
	if err != nil {
		return trace, err
	}
	coordinates, err := standardize(points, start.D, cfg.Regularization)
	if err != nil {
		return trace, err
	}
	e := newEM(cfg, coordinates, points, start.K)
	coordinates.inward(e.m, start)
	if err := e.admit(); err != nil {
		return trace, err
	}
	stepped, err := e.run(ctx, &trace)
	if stepped {
		coordinates.outward(start, e.m)
	}
	if err != nil {
		return trace, err
	}
	start.FitCount = N
	return trace, nil
}

// em is the state of one fit, in standard coordinates.
type em struct {
	cfg         Config
	coordinates *coordinates
	m           *Mixture
	previous    *Mixture // before the last M-step
	points      []float64
	n           int
	density     *density
	entries     []responsibility // of all points, in order
	end         []int            // end of each point's entries
	first       []int32          // likeliest component of each point
	logp        []float64        // log p(z_n)
	mass        []float64        // summed responsibility of each component
	revivals    int              // left
}

func newEM(cfg Config, c *coordinates, points []float64, K int) *em {
	D := len(c.shift)
	N := len(points) / D
	e := &em{cfg: cfg, coordinates: c, m: New(K, D), previous: New(K, D), points: c.points(points), n: N,
		first: make([]int32, N), end: make([]int, N), logp: make([]float64, N), mass: make([]float64, K),
		revivals: cfg.MaxRevivals}
	if e.revivals < 0 {
		e.revivals = K
	}
	return e
}

// run alternates E- and M-steps; it reports whether the mixture was changed.
//
// An M-step without regularisation cannot lower the log-likelihood, one with it can. Then
// the step is taken back. If it was smaller than the tolerance, this is the end; else it
// is done again, and all after it, with covariances that change only where that raises the
// expected log-likelihood: a generalised EM (Dempster et al. 1977, section 2), whose
// log-likelihood never falls.
func (e *em) run(ctx context.Context, trace *Trace) (stepped bool, err error) {
	last, revived, guarded := math.Inf(-1), false, false
	for i := range e.cfg.MaxIterations {
		if err := ctx.Err(); err != nil {
			return stepped, err
		}
		l := e.expect()
		if l < last && !revived && !e.cfg.ReferenceRules {
			e.m.copyFrom(e.previous)
			if guarded || e.converged(last, l) {
				return stepped, nil
			}
			guarded = true
			if err := e.density.update(); err != nil {
				return stepped, err
			}
			e.expect()
		} else {
			trace.LogLikelihoods = append(trace.LogLikelihoods, l)
			if !revived && e.converged(last, l) {
				return stepped, nil
			}
			last = l
		}
		e.previous.copyFrom(e.m)
		if revived = e.maximize(guarded, i == e.cfg.MaxIterations-1); revived {
			trace.Revivals = append(trace.Revivals, len(trace.LogLikelihoods)-1)
		}
		if err := e.density.update(); err != nil {
			e.m.copyFrom(e.previous)
			return stepped, err
		}
		stepped = true
	}
	if !e.cfg.ReferenceRules && e.expect() < last {
		e.m.copyFrom(e.previous)
	}
	return stepped, nil
}

// admit makes the start one that the fit could have reached: an M-step never leaves a
// covariance below the regularisation.
func (e *em) admit() error {
	var err error
	if e.density, err = newDensity(e.m); err != nil || e.cfg.Regularization == 0 || e.cfg.ReferenceRules {
		return err
	}
	for k := range e.m.K {
		if !e.regularized(k) {
			for i, v := range e.coordinates.regularization {
				e.m.Cov(k)[i*e.m.D+i] += v
			}
		}
	}
	return e.density.update()
}

// expect computes the responsibilities (Bishop 2006, equation 9.23) and returns the
// log-likelihood (9.14) of the points in their own units.
func (e *em) expect() float64 {
	e.entries = e.entries[:0]
	D, sum := e.m.D, 0.0
	for n := range e.n {
		var best int
		e.entries, e.logp[n], best = e.density.posterior(e.entries, e.points[n*D:(n+1)*D], int(e.first[n]))
		e.first[n], e.end[n] = int32(best), len(e.entries)
		sum += e.logp[n]
	}
	return sum - float64(e.n)*e.coordinates.logScale
}

func (e *em) converged(last, l float64) bool {
	if e.cfg.ReferenceRules {
		return l < last || math.Abs(l-last) < e.cfg.Tolerance*last
	}
	return math.Abs(l-last) < e.cfg.Tolerance*math.Max(1, math.Abs(last))
}
