package mixture

import (
	"context"
	"fmt"
	"math"

	"guidedpolicysearch/gps/internal/dense"
)

// Config holds the settings of a fit.
type Config struct {
	// MaxIterations bounds the E-steps, >= 1; default 100.
	MaxIterations int
	// Tolerance ends the fit when the log-likelihood changes by less than this share of
	// its absolute value, > 0; default 1e-5.
	Tolerance float64
	// Regularization is added to the diagonal of every covariance, in the points' units
	// squared, >= 0; default 1e-6.
	Regularization float64
	// MinWeight times 1/K is the weight below which a component counts as dead, in
	// [0, 1); default 1e-4.
	MinWeight float64
	// MaxRevivals bounds how often components are revived in one fit, >= 0; default K.
	// -1 means K.
	MaxRevivals int
	// ReferenceRules reproduces the public reference implementation: the fit ends when
	// |dL| < tolerance * L with L's sign kept, and a dead component gets equal
	// responsibility for all points while its weight stays.
	ReferenceRules bool
}

// DefaultConfig returns the defaults.
func DefaultConfig() Config {
	return Config{MaxIterations: 100, Tolerance: 1e-5, Regularization: 1e-6, MinWeight: 1e-4, MaxRevivals: -1}
}

// Validate returns an error that names the field that is out of range.
func (c Config) Validate() error {
	switch {
	case c.MaxIterations < 1:
		return fmt.Errorf("mixture: max iterations is %d, need at least 1", c.MaxIterations)
	case !(c.Tolerance > 0):
		return fmt.Errorf("mixture: tolerance is %v, need a number > 0", c.Tolerance)
	case !(c.Regularization >= 0) || math.IsInf(c.Regularization, 0):
		return fmt.Errorf("mixture: regularization is %v, need a finite number >= 0", c.Regularization)
	case !(c.MinWeight >= 0 && c.MinWeight < 1):
		return fmt.Errorf("mixture: min weight is %v, need a number in [0, 1)", c.MinWeight)
	case c.MaxRevivals < -1:
		return fmt.Errorf("mixture: max revivals is %d, need -1 (as many as components) or more", c.MaxRevivals)
	}
	return nil
}

// Trace says how a fit went.
type Trace struct {
	// LogLikelihoods lists the log-likelihood at each E-step. It never falls but where
	// a component was revived in the step before.
	LogLikelihoods []float64
	// Revivals lists the E-steps (as indices into LogLikelihoods) after which a
	// component was revived.
	Revivals []int
}

// Fit improves start on the points (N x D) by expectation maximisation, in place, and
// returns its trace. ctx ends it early, with the mixture as it was after the last whole
// step. Errors wrap ErrBadPoints or ErrDegenerate.
func Fit(ctx context.Context, start *Mixture, points []float64, cfg Config) (Trace, error) {
	var trace Trace
	if err := cfg.Validate(); err != nil {
		return trace, err
	}
	N, err := checkPoints(points, start.D)
	if err != nil {
		return trace, err
	}
	e := &em{cfg: cfg, m: start, points: points, n: N, first: make([]int32, N), end: make([]int, N),
		logp: make([]float64, N), mass: make([]float64, start.K)}
	if e.density, err = newDensity(start); err != nil {
		return trace, err
	}
	e.revivals = cfg.MaxRevivals
	if e.revivals < 0 {
		e.revivals = start.K
	}
	previous := math.Inf(-1)
	for range cfg.MaxIterations {
		if err := ctx.Err(); err != nil {
			return trace, err
		}
		l := e.expect()
		trace.LogLikelihoods = append(trace.LogLikelihoods, l)
		revived := len(trace.Revivals) > 0 && trace.Revivals[len(trace.Revivals)-1] == len(trace.LogLikelihoods)-2
		if !revived && e.converged(previous, l) {
			break
		}
		previous = l
		if e.maximize() {
			trace.Revivals = append(trace.Revivals, len(trace.LogLikelihoods)-1)
		}
		if err := e.density.update(); err != nil {
			return trace, err
		}
	}
	start.FitCount = N
	return trace, nil
}

func checkPoints(points []float64, D int) (int, error) {
	if len(points)%D != 0 {
		panic(fmt.Sprintf("mixture: %d numbers are no points of %d dimensions", len(points), D))
	}
	N := len(points) / D
	if N < 2 {
		return 0, fmt.Errorf("%w: need at least 2, got %d", ErrBadPoints, N)
	}
	if i := dense.FirstNotFinite(points); i >= 0 {
		return 0, fmt.Errorf("%w: point %d has %v in dimension %d", ErrBadPoints, i/D, points[i], i%D)
	}
	return N, nil
}

// em is the state of one fit.
type em struct {
	cfg      Config
	m        *Mixture
	points   []float64
	n        int
	density  *density
	entries  []responsibility // of all points, in order
	end      []int            // end of each point's entries
	first    []int32          // likeliest component of each point
	logp     []float64        // log p(x_n)
	mass     []float64        // summed responsibility of each component
	revivals int              // left
}

// expect computes the responsibilities and returns the log-likelihood.
func (e *em) expect() float64 {
	e.entries = e.entries[:0]
	D, sum := e.m.D, 0.0
	for n := range e.n {
		var best int
		e.entries, e.logp[n], best = e.density.posterior(e.entries, e.points[n*D:(n+1)*D], int(e.first[n]))
		e.first[n], e.end[n] = int32(best), len(e.entries)
		sum += e.logp[n]
	}
	return sum
}

func (e *em) converged(previous, l float64) bool {
	if e.cfg.ReferenceRules {
		return l < previous || math.Abs(l-previous) < e.cfg.Tolerance*previous
	}
	return math.Abs(l-previous) < e.cfg.Tolerance*math.Max(1, math.Abs(previous))
}

// maximize sets the parameters from the responsibilities; it reports whether a dead
// component was revived.
func (e *em) maximize() (revived bool) {
	m, D := e.m, e.m.D
	clear(e.mass)
	clear(m.Means)
	clear(m.Covs)
	e.each(func(n int, r responsibility) {
		e.mass[r.component] += r.weight
		mean := m.Mean(int(r.component))
		for i, v := range e.points[n*D : (n+1)*D] {
			mean[i] += r.weight * v
		}
	})
	for k := range m.K {
		if e.mass[k] > 0 {
			for i := range D {
				m.Means[k*D+i] /= e.mass[k]
			}
		}
		m.LogWeights[k] = math.Log(math.Max(e.mass[k], math.SmallestNonzeroFloat64) / float64(e.n))
	}
	// About the component's own mean: a large common offset cancels nothing.
	e.each(func(n int, r responsibility) {
		dense.AddOuter(m.Cov(int(r.component)), r.weight, e.points[n*D:(n+1)*D], m.Mean(int(r.component)))
	})
	dead := e.cfg.MinWeight / float64(m.K) * float64(e.n)
	for k := range m.K {
		if e.mass[k] < dead || e.mass[k] == 0 {
			revived = e.revive(k) || revived
			continue
		}
		e.finish(k, 1/e.mass[k])
	}
	if revived {
		e.normalizeWeights()
	}
	return revived
}

func (e *em) each(visit func(n int, r responsibility)) {
	start := 0
	for n, end := range e.end {
		for _, r := range e.entries[start:end] {
			visit(n, r)
		}
		start = end
	}
}

// finish scales a component's scatter, mirrors it and adds the regularisation.
func (e *em) finish(k int, scale float64) {
	D, cov := e.m.D, e.m.Cov(k)
	for i := range D {
		for j := range i + 1 {
			v := cov[i*D+j] * scale
			cov[i*D+j], cov[j*D+i] = v, v
		}
		cov[i*D+i] += e.cfg.Regularization
	}
}

// revive gives a dead component new life at the point that the mixture explains worst,
// with the covariance of all points and the weight of an average component. Under
// ReferenceRules it gets the mean and covariance of all points and stays dead.
func (e *em) revive(k int) bool {
	D, mean, cov := e.m.D, e.m.Mean(k), e.m.Cov(k)
	clear(mean)
	clear(cov)
	for n := range e.n {
		for i, v := range e.points[n*D : (n+1)*D] {
			mean[i] += v / float64(e.n)
		}
	}
	for n := range e.n {
		dense.AddOuter(cov, 1, e.points[n*D:(n+1)*D], mean)
	}
	e.finish(k, 1/float64(e.n))
	if e.cfg.ReferenceRules || e.revivals == 0 {
		return false
	}
	e.revivals--
	worst := 0
	for n, l := range e.logp {
		if l < e.logp[worst] {
			worst = n
		}
	}
	e.logp[worst] = math.Inf(1) // the next revival takes another point
	copy(mean, e.points[worst*D:(worst+1)*D])
	e.m.LogWeights[k] = -math.Log(float64(e.m.K))
	return true
}

func (e *em) normalizeWeights() {
	sum := 0.0
	for _, l := range e.m.LogWeights {
		sum += math.Exp(l)
	}
	for k := range e.m.LogWeights {
		e.m.LogWeights[k] -= math.Log(sum)
	}
}
