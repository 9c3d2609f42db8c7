package mixture

import (
	"context"
	"math"

	"guidedpolicysearch/gps/internal/crew"
	"guidedpolicysearch/gps/internal/kernel"
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
	workers := crew.New(cfg.workers(N, start.K))
	defer workers.Stop()
	e := newEM(cfg, coordinates, discerningOrder(start), points, start.K, workers)
	e.seen = newRecording(ctx, start)
	if err := e.admit(start); err != nil {
		return trace, err
	}
	trace.LogLikelihoods = make([]float64, 0, min(cfg.MaxIterations, 128))
	stepped, err := e.run(ctx, &trace)
	if stepped {
		e.outward(start)
	}
	if err != nil {
		return trace, err
	}
	start.FitCount = N
	e.seen.end(&trace, start, e.mass)
	return trace, nil
}

// components are the parameters of a mixture in a fit: in standard coordinates, and with
// what their density is evaluated with.
type components struct {
	*density
	covs []kernel.Block // stride x D, symmetric
}

func newComponents(K int, order []int) components {
	c := components{newDensity(K, order), make([]kernel.Block, K)}
	arena := kernel.NewArena(K * kernel.Space(c.stride*c.D))
	for k := range K {
		c.covs[k] = arena.TakeBlock(c.D, c.D)
	}
	return c
}

// em is the state of one fit, in standard coordinates.
type em struct {
	cfg         Config
	coordinates *coordinates
	m           components
	previous    components // before the last M-step
	blocks      []block
	n           int
	size        []float64 // largest absolute value of each dimension
	entries     []responsibilities
	reach       []float64 // lower bounds of Mahalanobis distances at the last E-step, N x K
	drifts      []drift   // what the M-step left of them
	first       []int32   // likeliest component of each point, -1 before the first E-step
	logp        []float64 // log p(z_n)
	mass        []float64 // summed responsibility of each component
	sound       []bool    // the components that are Gaussians
	spreads     []float64 // of each component, at most: mass times variance
	guarded     bool      // covariances change only for the better
	revivals    int       // left
	divisor     float64   // of scatters of hard clusters, or 0
	viewing     *viewing
	turns       int // of the views that are left
	crew        *crew.Crew
	evaluators  []*evaluator // of each worker
	moments     []*moments
	seen        recording
}

// newEM returns the state of a fit of K components without parameters.
func newEM(cfg Config, c *coordinates, order []int, points []float64, K int, workers *crew.Crew) *em {
	D := len(order)
	N := len(points) / D
	e := &em{cfg: cfg, coordinates: c, m: newComponents(K, order), n: N, crew: workers,
		mass: make([]float64, K), sound: make([]bool, K), revivals: cfg.MaxRevivals}
	if e.revivals < 0 {
		e.revivals = K
	}
	stride := e.m.stride
	x := kernel.NewArena(kernel.Space(N * stride)).Take(N * stride)
	e.size = c.fill(x, points, order)
	for n := 0; n < N; n += blockSize {
		to := min(n+blockSize, N)
		e.blocks = append(e.blocks, block{to - n, x[n*stride : to*stride]})
	}
	for range workers.Size() {
		e.moments = append(e.moments, newMoments(D))
	}
	return e
}

// admit takes the start and makes it one that the fit could have reached: an M-step never
// leaves a covariance below the regularisation.
func (e *em) admit(start *Mixture) error {
	e.coordinates.inward(e.m, start)
	guard := e.cfg.Regularization > 0 && !e.cfg.ReferenceRules
	f := e.moments[0].factoring
	for k := range e.m.K {
		e.sound[k] = e.renew(k, f)
		if !e.sound[k] {
			return e.degenerate(k)
		}
		if guard && !e.regularized(k, f) {
			for i, place := range e.m.order {
				e.m.covs[k].Data[i*e.m.stride+i] += e.coordinates.regularization[place]
			}
			if e.sound[k] = e.renew(k, f); !e.sound[k] {
				return e.degenerate(k)
			}
		}
	}
	K, D, N := e.m.K, e.m.D, e.n
	e.previous = newComponents(K, e.m.order)
	e.previous.views = e.m.views
	e.viewing, e.turns = newViewing(K, D), turns
	e.look()
	for _, b := range e.blocks {
		e.entries = append(e.entries, newResponsibilities(b.n, K))
	}
	for range e.crew.Size() {
		e.evaluators = append(e.evaluators, newEvaluator(K, D))
	}
	e.logp, e.first = make([]float64, N), make([]int32, N)
	e.reach, e.drifts = make([]float64, N*K), make([]drift, K)
	for n := range e.first {
		e.first[n] = -1
	}
	return nil
}

// renew derives the density of component k from its mean, covariance and weight. It
// reports whether it is a Gaussian.
func (e *em) renew(k int, f *factoring) bool {
	if !e.m.factor(k, e.m.covs[k], f) {
		return false
	}
	return e.settle(k, f)
}

// settle is renew for a covariance that is factored.
func (e *em) settle(k int, f *factoring) bool {
	ok := e.m.settle(k, f)
	e.m.slacken(k, e.size)
	return ok
}

// degenerate says what is wrong with component k.
func (e *em) degenerate(k int) error {
	D := e.m.D
	m := New(e.m.K, D)
	copy(m.LogWeights, e.m.logWeights)
	for i, a := range e.m.order {
		m.Mean(k)[a] = e.m.mean(k)[i]
		for j, b := range e.m.order {
			m.Cov(k)[a*D+b] = e.m.covs[k].At(max(i, j), min(i, j))
		}
	}
	return m.degenerate(k)
}

// outward writes the parameters to dst, in the points' own units.
func (e *em) outward(dst *Mixture) { e.coordinates.outward(dst, e.m) }

// run alternates E- and M-steps; it reports whether the mixture was changed.
//
// An M-step without regularisation cannot lower the log-likelihood, one with it can. Then
// the step is taken back. If it was smaller than the tolerance, this is the end; else it
// is done again, and all after it, with covariances that change only where that raises the
// expected log-likelihood: a generalised EM (Dempster et al. 1977, section 2), whose
// log-likelihood never falls.
func (e *em) run(ctx context.Context, trace *Trace) (stepped bool, err error) {
	last, revived := math.Inf(-1), false
	for i := range e.cfg.MaxIterations {
		if err := ctx.Err(); err != nil {
			return stepped, err
		}
		l := e.expect()
		if l < last && !revived && !e.cfg.ReferenceRules {
			e.takeBack()
			if e.guarded || e.converged(last, l) {
				return stepped, nil
			}
			e.guarded = true
			e.expect()
		} else {
			trace.LogLikelihoods = append(trace.LogLikelihoods, l)
			e.seen.step(e, l)
			if !revived && e.converged(last, l) {
				return stepped, nil
			}
			last = l
		}
		if revived = e.maximize(i == e.cfg.MaxIterations-1); revived {
			trace.Revivals = append(trace.Revivals, len(trace.LogLikelihoods)-1)
		}
		for k, ok := range e.sound {
			if !ok {
				err := e.degenerate(k)
				e.takeBack()
				return stepped, err
			}
		}
		stepped = true
	}
	if !e.cfg.ReferenceRules && e.expect() < last {
		e.takeBack()
	}
	return stepped, nil
}

// look turns the components' views.
func (e *em) look() {
	e.m.look(e.viewing, e.moments[0].factoring, func(k int) kernel.Block { return e.m.covs[k] })
}

// takeBack undoes the last M-step.
func (e *em) takeBack() {
	e.m, e.previous = e.previous, e.m
	clear(e.drifts)
}

// expect computes the responsibilities (Bishop 2006, equation 9.23) and returns the
// log-likelihood (9.14) of the points in their own units.
func (e *em) expect() float64 {
	e.crew.Run(len(e.blocks), (*expectation)(e))
	sum := 0.0
	for _, v := range e.logp {
		sum += v
	}
	return sum - float64(e.n)*e.coordinates.logScale
}

// expectation is the E-step of a block of points.
type expectation em

// Do is crew.Task's.
func (e *expectation) Do(worker, b int) {
	from, p := b*blockSize, e.blocks[b]
	e.evaluators[worker].posterior(e.m.density, p, &e.entries[b], e.logp[from:from+p.n], e.first[from:from+p.n],
		e.reach[from*e.m.K:(from+p.n)*e.m.K], e.drifts)
}

func (e *em) converged(last, l float64) bool {
	if e.cfg.ReferenceRules {
		return l < last || math.Abs(l-last) < e.cfg.Tolerance*last
	}
	return math.Abs(l-last) < e.cfg.Tolerance*math.Max(1, math.Abs(last))
}

// regularized says if component k's covariance has at least half the regularisation in
// every direction.
func (e *em) regularized(k int, f *factoring) bool {
	D := e.m.D
	for j := range D {
		copy(f.l.Column(j, e.m.stride), e.m.covs[k].Column(j, e.m.stride))
	}
	for i, place := range e.m.order {
		f.l.Data[i*f.l.Stride+i] -= e.coordinates.regularization[place] / 2
	}
	return f.Cholesky(f.l, D, 0) == D
}
