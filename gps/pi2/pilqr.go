package pi2

import (
	"fmt"
	"math"
	"slices"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/gps/trajopt"
)

// PILQRResult is the outcome of a PILQR update.
type PILQRResult struct {
	// Controller is the new one: Model's gains, with the feed-forward terms and covariances of
	// PI2 on the residual cost.
	Controller *lqg.Controller
	// Model is the controller of the LQR step, p1 of (6).
	Model *lqg.Controller
	// Bound holds what the KL of the LQR step was allowed at each time step, T, KLPerStep what it
	// is, T, in nat: with one bound over the trajectory their sums belong together.
	Bound, KLPerStep []float64
	// KL is the sum of KLPerStep.
	KL float64
	// Active tells that a bound held the LQR step back.
	Active bool
	// Anchored tells that no dual variable kept the bounds: Model is a copy of the anchor.
	Anchored bool
	// Passes counts backward passes.
	Passes int
	// ResidualRatio holds r_t of (7), T; +Inf where the cost is 0 and the predicted one is not.
	ResidualRatio []float64
	// Prediction is the one used: FromStates where what the model predicts overflows.
	Prediction Prediction
	// Residual is PI2's step, from Model to Controller.
	Residual *Result
	// State is to go on from.
	State *State
}

// PILQR combines LQR steps on a quadratic cost with PI2 on the rest, for problems of one size. It
// owns its workspace, and serves one goroutine at a time.
type PILQR struct {
	cfg      PILQRConfig
	T        int
	search   *trajopt.Optimizer
	pi2      *Optimizer
	residual *residual
	// predicted holds c^, rest c - c^, N x (T or T+1).
	predicted, rest [][]float64
}

// NewPILQR returns the algorithm for T steps, dX states and dU actions. Errors are those of
// PILQRConfig.Validate; sizes below 1 panic.
func NewPILQR(cfg PILQRConfig, T, dX, dU int) (*PILQR, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	search, err := trajopt.New(cfg.Search, T, dX, dU)
	if err != nil {
		return nil, err
	}
	o, err := New(cfg.PI2, T, dX, dU)
	if err != nil {
		return nil, err
	}
	return &PILQR{cfg: cfg, T: T, search: search, pi2: o, residual: newResidual(T, dX, dU)}, nil
}

// Update returns the controller of (6). p holds the anchor, the fitted dynamics and x_0, and the
// quadratic cost c^ with its constants; drawn is the controller, or the linearised policy, that drew
// the samples, often the anchor. costs[n] are the true ones of sample n at the time steps: T, or T+1
// with that of the last state. bounds (nat, > 0), T, are the KL steps at a multiplier of 1. state
// is not changed.
// Errors are those of Optimizer.Update and of trajopt's Update and UpdatePerStep, or wrap ErrState;
// parts that are missing or of another size than PILQR's panic.
func (q *PILQR) Update(state *State, p *trajopt.Problem, drawn *lqg.Controller, samples []*rollout.Rollout, costs [][]float64, bounds []float64) (*PILQRResult, error) {
	q.mustFit(p, bounds)
	if err := state.Validate(q.T); err != nil {
		return nil, err
	}
	for t, v := range bounds {
		if !(v > 0) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("%w: KL bound at time step %d is %v, need a finite number > 0", ErrConfig, t, v)
		}
	}
	if err := q.pi2.prepare(p.Anchor, drawn, samples, costs); err != nil {
		return nil, err
	}
	r := &PILQRResult{Prediction: q.cfg.Prediction, Bound: make([]float64, q.T), ResidualRatio: make([]float64, q.T),
		State: &State{Multiplier: slices.Clone(state.Multiplier), Eta: slices.Clone(state.Eta)}}
	if err := q.predict(r, p, drawn, samples, costs); err != nil {
		return nil, err
	}
	q.adapt(r, costs, bounds)
	if err := q.step(r, p); err != nil {
		return nil, err
	}
	if err := q.improve(r, samples); err != nil {
		return nil, err
	}
	return r, nil
}

// predict writes c^ to q.predicted and c - c^ to q.rest.
func (q *PILQR) predict(r *PILQRResult, p *trajopt.Problem, drawn *lqg.Controller, samples []*rollout.Rollout, costs [][]float64) error {
	for len(q.predicted) < len(samples) {
		q.predicted, q.rest = append(q.predicted, make([]float64, q.T+1)), append(q.rest, make([]float64, q.T+1))
	}
	steps := len(costs[0])
	for n, s := range samples {
		q.predicted[n], q.rest[n] = q.predicted[n][:steps], q.rest[n][:steps]
		noise := func(t int) []float64 { return q.pi2.noiseAt(t, n) }
		if r.Prediction == FromModel && !q.residual.fromModel(q.predicted[n], p, drawn, s, noise) {
			r.Prediction = FromStates
			return q.predict(r, p, drawn, samples, costs)
		}
		if r.Prediction == FromStates {
			q.residual.fromStates(q.predicted[n], p.Cost, s)
			if t := dense.FirstNotFinite(q.predicted[n]); t >= 0 {
				return fmt.Errorf("%w: the quadratic cost of sample %d at time step %d is %v", ErrNotFinite, n, t, q.predicted[n][t])
			}
		}
		for t, c := range costs[n] {
			q.rest[n][t] = c - q.predicted[n][t]
		}
	}
	return nil
}

// adapt sets the multipliers and bounds by the residual ratios, (7).
func (q *PILQR) adapt(r *PILQRResult, costs [][]float64, bounds []float64) {
	rest, whole := 0.0, 0.0
	for t := len(costs[0]) - 1; t >= 0; t-- {
		for n := range costs {
			rest += math.Abs(q.rest[n][t])
			whole += math.Abs(costs[n][t])
		}
		if t < q.T && rest > 0 {
			r.ResidualRatio[t] = rest / whole
		}
	}
	for t := range q.T {
		ratio := r.ResidualRatio[t]
		if !q.cfg.BoundEachStep {
			ratio = r.ResidualRatio[0]
		}
		r.State.Multiplier[t] = q.cfg.Adapt.next(r.State.Multiplier[t], ratio)
		r.Bound[t] = bounds[t] * r.State.Multiplier[t]
	}
}

// step is the LQR step on c^.
func (q *PILQR) step(r *PILQRResult, p *trajopt.Problem) error {
	if q.cfg.BoundEachStep {
		s, err := q.search.UpdatePerStep(p, r.Bound, r.State.Eta)
		if err != nil {
			return err
		}
		r.Model, r.KLPerStep, r.Anchored, r.Passes = s.Controller, s.KLPerStep, s.Anchored, s.Passes
		for t, kl := range s.KLPerStep {
			r.KL += kl
			r.Active = r.Active || s.Eta[t] > q.cfg.Search.MinEta && !s.Anchored
		}
		if !s.Anchored {
			copy(r.State.Eta, s.Eta)
		}
		return nil
	}
	bound := 0.0
	for _, v := range r.Bound {
		bound += v
	}
	s, err := q.search.Update(p, bound, r.State.Eta[0])
	if err != nil {
		return err
	}
	r.Model, r.KLPerStep, r.KL, r.Active, r.Anchored, r.Passes = s.Controller, s.KLPerStep, s.KL, s.Active, s.Anchored, s.Passes
	if !s.Anchored {
		for t := range r.State.Eta {
			r.State.Eta[t] = s.Eta
		}
	}
	return nil
}

// improve is PI2 on the residual cost, about r.Model.
func (q *PILQR) improve(r *PILQRResult, samples []*rollout.Rollout) error {
	o, N := q.pi2, len(samples)
	r.Residual = o.newResult(r.Model)
	for t := range q.T {
		r.Residual.Temperature[t] = Temperature(o.costs.ToGo(t), o.cfg.KLThreshold, o.cfg.MinTemperature)
	}
	if err := o.costs.Set(q.rest[:N]); err != nil {
		return fmt.Errorf("residual cost: %w", err)
	}
	// A residual that outweighs the costs, as errors of the dynamics may, keeps the bound too.
	for t, v := range r.Residual.Temperature {
		r.Residual.Temperature[t] = math.Max(v, Temperature(o.costs.ToGo(t), o.cfg.KLThreshold, o.cfg.MinTemperature))
	}
	// The noise in units of drawn is that in units of the model's controller for the actions that
	// this one would have taken with it.
	o.base = o.base[:0]
	if q.cfg.Reuse == Importance {
		o.base = grow(o.base, q.T*N)
		for t := range q.T {
			for n, s := range samples {
				e := o.noiseAt(t, n)
				old := dot(e, e)
				whiten(e, s.Action(t), s.State(t), r.Model, t)
				// The covariances' determinants are the same for all samples.
				o.base[t*N+n] = (old - dot(e, e)) / 2
			}
			if i := dense.FirstNotFinite(o.base[t*N : (t+1)*N]); i >= 0 {
				return fmt.Errorf("%w: the likelihood ratio of sample %d at time step %d; take smaller KL steps, or reuse %q", ErrNotFinite, i, t, Transport)
			}
		}
	}
	if err := o.improve(r.Residual, r.Model, q.cfg.Reuse == Transport); err != nil {
		return err
	}
	r.Controller = r.Residual.Controller
	return nil
}

func (q *PILQR) mustFit(p *trajopt.Problem, bounds []float64) {
	if p == nil || p.Cost == nil || p.Dynamics == nil {
		panic("pi2: PILQR needs a problem with cost and dynamics")
	}
	T, dX, dU := q.T, q.pi2.dX, q.pi2.dU
	c, f, d := p.Cost, p.Dynamics, dX+dU
	if c.T != T || c.DX != dX || c.DU != dU || f.T != T || f.DX != dX || f.DU != dU || len(bounds) != T {
		panic(fmt.Sprintf("pi2: PILQR for T=%d dX=%d dU=%d, cost of T=%d dX=%d dU=%d, dynamics of T=%d dX=%d dU=%d, %d bounds",
			T, dX, dU, c.T, c.DX, c.DU, f.T, f.DX, f.DU, len(bounds)))
	}
	if len(c.Quad) != (T+1)*d*d || len(c.Lin) != (T+1)*d || len(c.Const) != T+1 || len(f.F) != T*dX*d || len(f.Bias) != T*dX {
		panic(fmt.Sprintf("pi2: PILQR for T=%d dX=%d dU=%d needs a cost of %d, %d and %d numbers and dynamics of %d and %d, got %d, %d, %d, %d and %d",
			T, dX, dU, (T+1)*d*d, (T+1)*d, T+1, T*dX*d, T*dX, len(c.Quad), len(c.Lin), len(c.Const), len(f.F), len(f.Bias)))
	}
}

func dot(a, b []float64) float64 {
	s := 0.0
	for i, v := range a {
		s += v * b[i]
	}
	return s
}
