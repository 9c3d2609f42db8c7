package pi2

import (
	"fmt"
	"math"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
)

// Result is the outcome of a PI2 update.
type Result struct {
	// Controller has the anchor's gains, and the new feed-forward terms and covariances.
	Controller *lqg.Controller
	// Temperature holds eta_t, T, in the cost's unit.
	Temperature []float64
	// WeightKL holds the divergences of the weights from equal ones, T, in nat.
	WeightKL []float64
	// Weight holds those of the samples, T x N.
	Weight []float64
	// EffectiveSamples holds 1 / sum_n w_n^2, T, from 1 to N.
	EffectiveSamples []float64
	// KL is the divergence of Controller from the anchor over the whole trajectory, in nat;
	// KLPerStep its parts, T. The gains being equal, they depend on no state.
	KL        float64
	KLPerStep []float64
}

// Optimizer runs PI2 for problems of one size. It owns its workspace, and serves one goroutine at
// a time.
type Optimizer struct {
	cfg       Config
	T, dX, dU int
	costs     *costTable
	// noise holds (u - K x - k) in the anchor's units, T x N x dU.
	noise  []float64
	base   []float64 // log ratios of importance, T x N; empty without
	weight []float64 // N
	// Moments of the samples by their weights, and by equal ones: in the anchor's units, dU and
	// dU x dU.
	mean, cov           []float64
	equalMean, equalCov []float64
	factor              []float64 // dU x dU
	floor               *lqg.Floor
	kl                  *lqg.Divergence
	still               *lqg.Trajectory // states 0
}

// New returns an optimizer for T steps, dX states and dU actions. Errors wrap ErrConfig; sizes
// below 1 panic.
func New(cfg Config, T, dX, dU int) (*Optimizer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if T < 1 || dX < 1 || dU < 1 {
		panic(fmt.Sprintf("pi2: need T, dX, dU >= 1, got T=%d dX=%d dU=%d", T, dX, dU))
	}
	return &Optimizer{cfg: cfg, T: T, dX: dX, dU: dU, costs: &costTable{T: T}, mean: make([]float64, dU), cov: make([]float64, dU*dU),
		equalMean: make([]float64, dU), equalCov: make([]float64, dU*dU), factor: make([]float64, dU*dU), floor: lqg.NewFloor(cfg.CovarianceFloor, T, dU),
		kl: lqg.NewDivergence(dX, dU), still: lqg.NewTrajectory(T, dX, dU)}, nil
}

// Update is New and Optimizer.Update for a single use.
func Update(cfg Config, anchor *lqg.Controller, samples []*rollout.Rollout, costs [][]float64) (*Result, error) {
	o, err := New(cfg, anchor.T, anchor.DX, anchor.DU)
	if err != nil {
		return nil, err
	}
	return o.Update(anchor, samples, costs)
}

// Update returns the controller of (1) to (5). costs[n] are those of the time steps of sample n:
// T, or T+1 with that of the last state. The samples need not be the anchor's own. Errors wrap
// ErrSamples, ErrNotFinite or rollout.ErrShape, and name sample and time step; or they are those of
// lqg.Controller.Validate where anchor or result are no controller. An anchor of another size than
// the optimizer's panics.
func (o *Optimizer) Update(anchor *lqg.Controller, samples []*rollout.Rollout, costs [][]float64) (*Result, error) {
	if err := o.prepare(anchor, anchor, samples, costs); err != nil {
		return nil, err
	}
	r := o.newResult(anchor)
	for t := range o.T {
		r.Temperature[t] = Temperature(o.costs.ToGo(t), o.cfg.KLThreshold, o.cfg.MinTemperature)
	}
	o.base = o.base[:0]
	if err := o.improve(r, anchor, false); err != nil {
		return nil, err
	}
	return r, nil
}

// prepare checks what is given and writes o.costs, and to o.noise the actions in units of the
// controller that drew them.
func (o *Optimizer) prepare(anchor, drawn *lqg.Controller, samples []*rollout.Rollout, costs [][]float64) error {
	o.mustFit("anchor", anchor)
	o.mustFit("controller that drew the samples", drawn)
	if err := anchor.Validate(); err != nil {
		return fmt.Errorf("pi2: anchor: %w", err)
	}
	if drawn != anchor {
		if err := drawn.Validate(); err != nil {
			return fmt.Errorf("pi2: controller that drew the samples: %w", err)
		}
	}
	if len(samples) == 0 || len(samples) != len(costs) {
		return fmt.Errorf("%w: %d samples with costs of %d, need the same number, at least 1", ErrSamples, len(samples), len(costs))
	}
	for n, s := range samples {
		if err := s.Validate(); err != nil {
			return fmt.Errorf("pi2: sample %d: %w", n, err)
		}
		if s.T != o.T || s.DX != o.dX || s.DU != o.dU {
			return fmt.Errorf("%w: sample %d has T=%d dX=%d dU=%d, need T=%d dX=%d dU=%d", ErrSamples, n, s.T, s.DX, s.DU, o.T, o.dX, o.dU)
		}
	}
	if err := o.costs.Set(costs); err != nil {
		return err
	}
	N := len(samples)
	o.weight = grow(o.weight, N)
	o.noise = grow(o.noise, o.T*N*o.dU)
	for t := range o.T {
		for n, s := range samples {
			e := o.noiseAt(t, n)
			whiten(e, s.Action(t), s.State(t), drawn, t)
			if i := dense.FirstNotFinite(e); i >= 0 {
				return fmt.Errorf("%w: sample %d at time step %d: its action %d is %v standard deviations from the controller's; the sample is of another controller, or its covariance is tiny", ErrNotFinite, n, t, i, e[i])
			}
		}
	}
	return nil
}

// whiten writes L^-1 (u - K x - k) of step t to dst, dU.
func whiten(dst, u, x []float64, c *lqg.Controller, t int) {
	c.Act(dst, x, t, nil)
	l := c.CholAt(t)
	for i := range dst {
		v := u[i] - dst[i]
		for j := range i {
			v -= l[i*c.DU+j] * dst[j]
		}
		dst[i] = v / l[i*c.DU+i]
	}
}

func (o *Optimizer) newResult(anchor *lqg.Controller) *Result {
	return &Result{Controller: anchor.Clone(), Temperature: make([]float64, o.T), WeightKL: make([]float64, o.T),
		Weight: make([]float64, o.T*len(o.weight)), EffectiveSamples: make([]float64, o.T), KLPerStep: make([]float64, o.T)}
}

// improve makes r.Controller, a copy of the anchor, the one of (1) to (5), or with relative of (8),
// for the costs-to-go in o.costs, the temperatures in r and the samples in o.noise, which are in the
// anchor's units.
func (o *Optimizer) improve(r *Result, anchor *lqg.Controller, relative bool) error {
	N := len(o.weight)
	o.floor.Whiten(o.cfg.CovarianceFloor, anchor)
	for t := range o.T {
		var base []float64
		if len(o.base) > 0 {
			base = o.base[t*N : (t+1)*N]
		}
		r.WeightKL[t], r.EffectiveSamples[t] = weigh(o.weight, o.costs.ToGo(t), base, r.Temperature[t])
		copy(r.Weight[t*N:], o.weight)
		if o.costs.Equal(t) {
			continue
		}
		o.moments(o.mean, o.cov, t, func(n int) float64 { return o.weight[n] })
		if relative {
			o.moments(o.equalMean, o.equalCov, t, func(int) float64 { return 1 / float64(N) })
			o.compare()
		}
		o.step(r.Controller, t)
	}
	if err := r.Controller.Validate(); err != nil {
		return fmt.Errorf("pi2: the new controller: %w", err)
	}
	r.KL = o.kl.PerStepAtMeans(r.KLPerStep, r.Controller, anchor, o.still)
	return nil
}

// moments writes mean and covariance of the samples of step t under weights; with damping the
// covariance is a multiple of the identity.
func (o *Optimizer) moments(mean, cov []float64, t int, weight func(n int) float64) {
	dU := o.dU
	clear(mean)
	clear(cov)
	for n := range o.weight {
		w := weight(n)
		for i, e := range o.noiseAt(t, n) {
			mean[i] += w * e
		}
	}
	if o.cfg.CovarianceDamping == 0 {
		for n := range o.weight {
			dense.AddOuter(cov, weight(n), o.noiseAt(t, n), mean)
		}
		dense.MirrorLower(cov, dU)
		return
	}
	spread := 0.0
	for n := range o.weight {
		w := weight(n)
		for i, e := range o.noiseAt(t, n) {
			spread += w * (e - mean[i]) * (e - mean[i]) / float64(dU)
		}
	}
	for i := range dU {
		cov[i*dU+i] = spread
	}
}

// noSpread is the share of the squared mean that rounding may leave for a variance.
const noSpread = 1e-24

// compare makes o.mean and o.cov what they say in comparison with equal weights, (8).
func (o *Optimizer) compare() {
	none := 0.0
	for i, v := range o.equalMean {
		o.mean[i] -= v
		none += noSpread * v * v
	}
	damped := o.cfg.CovarianceDamping > 0
	for i, v := range o.equalCov {
		switch diagonal := i%(o.dU+1) == 0; {
		case !damped:
			o.cov[i] -= v
			if diagonal {
				o.cov[i]++
			}
		case diagonal && v > none:
			o.cov[i] /= v
		case diagonal:
			o.cov[i] = 1 // the actions do not differ, as where a limit clips them
		}
	}
}

// step moves bias and covariance of step t by o.mean and o.cov.
func (o *Optimizer) step(c *lqg.Controller, t int) {
	n := o.dU
	if p := o.cfg.CovarianceDamping; p > 0 {
		for i := range n {
			o.cov[i*n+i] = math.Pow(o.cov[i*n+i], 1/p)
		}
	}
	l, bias := c.CholAt(t), c.BiasAt(t)
	for i := range n {
		for j := range i + 1 {
			bias[i] += l[i*n+j] * o.mean[j]
		}
	}
	o.factorize(t)
	// L M of two lower factors, row by row in place.
	for i := range n {
		for j := range i + 1 {
			s := 0.0
			for k := j; k <= i; k++ {
				s += l[i*n+k] * o.factor[k*n+j]
			}
			l[i*n+j] = s
		}
	}
}

// rounding is the share of the largest eigenvalue that a covariance gets in each direction where
// it is singular in doubles.
const rounding = 1e-12

// factorize raises o.cov to the floor and writes its lower factor to o.factor.
func (o *Optimizer) factorize(t int) {
	n := o.dU
	o.floor.Raise(o.cov, t)
	copy(o.factor, o.cov)
	if dense.Cholesky(o.factor, n) {
		return
	}
	trace := 0.0
	for i := range n {
		trace += o.cov[i*n+i]
	}
	copy(o.factor, o.cov)
	for i := range n {
		o.factor[i*n+i] += rounding * trace
	}
	dense.Cholesky(o.factor, n)
}

// noiseAt returns sample n's action of step t in units of the anchor, dU, as a view.
func (o *Optimizer) noiseAt(t, n int) []float64 {
	i := (t*len(o.weight) + n) * o.dU
	return o.noise[i : i+o.dU : i+o.dU]
}

func (o *Optimizer) mustFit(name string, c *lqg.Controller) {
	if c == nil {
		panic(fmt.Sprintf("pi2: the %s is nil, in an update for T=%d dX=%d dU=%d", name, o.T, o.dX, o.dU))
	}
	if c.T != o.T || c.DX != o.dX || c.DU != o.dU {
		panic(fmt.Sprintf("pi2: optimizer for T=%d dX=%d dU=%d, %s of T=%d dX=%d dU=%d", o.T, o.dX, o.dU, name, c.T, c.DX, c.DU))
	}
}

// grow returns a slice of n numbers, the given one where it is large enough.
func grow(a []float64, n int) []float64 {
	if cap(a) < n {
		return make([]float64, n)
	}
	return a[:n]
}
