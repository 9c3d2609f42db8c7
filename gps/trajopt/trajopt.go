package trajopt

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"guidedpolicysearch/gps/internal/riccati"
	"guidedpolicysearch/gps/lqg"
)

// ErrNoController marks a Bisection that found no controller up to MaxEta.
var ErrNoController = errors.New("trajopt: no controller within the KL bound")

// Search names the way the dual variable is searched.
type Search string

const (
	// Secant interpolates log KL over log eta inside a bracket; with one bound per step
	// it repeats a backward pass and a forward sweep that finds every step's eta.
	Secant Search = "secant"
	// Bisection is the rule of the public reference implementation: the geometric mean
	// of the bracket, moving at most a factor of 10 a pass; where Q_uu is not positive
	// definite eta is raised by a doubling increment. It may return a controller beyond
	// the bound, or none.
	Bisection Search = "bisection"
)

// Config holds the settings of the dual search.
type Config struct {
	// Search is the rule for the next eta; default Secant.
	Search Search
	// MinEta and MaxEta bound eta, 0 < MinEta < MaxEta; default 1e-8 and 1e100. eta is in
	// the cost's unit per nat, and models that are unstable over a long horizon multiply
	// it: MaxEta is there to end a search, and lies far beyond what a problem asks for.
	// Bisection's first steps depend on both; the reference has 1e-8 and 1e16.
	MinEta, MaxEta float64
	// Tolerance is the relative distance from epsilon that is accepted, in (0, 1);
	// default 0.1. No returned controller is above (1 + Tolerance) epsilon, as doubles
	// measure it in the anchor's units; where the anchor has gains or biases near 1e60 or
	// covariance factors near 1e-100, or the model blows the states up by such factors,
	// rounding on the way back to plain units can exceed it.
	Tolerance float64
	// MaxPasses bounds the backward passes of a search with one bound over the trajectory,
	// >= 2; default 50.
	MaxPasses int
	// MaxPassesPerStep bounds those of a search with one bound per step, >= 2; default
	// 200. Most settle in a few; Bisection has a number of its own.
	MaxPassesPerStep int
	// CovarianceFloor is the smallest eigenvalue of an action covariance, in the
	// action's unit squared, >= 0, 0 for none; default 1e-6. Where the anchor's own
	// covariance is smaller, that is the floor: the KL bound goes first.
	CovarianceFloor float64
	// MeanStates measures the KL at the mean states, without the states' covariance. A
	// bound on that allows larger steps where the states spread.
	MeanStates bool
	// PreviousMarginals measures the KL under the state marginals of the anchor instead
	// of those of the new controller.
	PreviousMarginals bool
	// PropagateAnchor carries the value function of the anchor back, instead of that of
	// the new controller.
	PropagateAnchor bool
}

// DefaultConfig returns the defaults.
func DefaultConfig() Config {
	return Config{Search: Secant, MinEta: 1e-8, MaxEta: 1e100, Tolerance: 0.1, MaxPasses: 50, MaxPassesPerStep: 200, CovarianceFloor: 1e-6}
}

// Validate returns an error that names the field that is out of range.
func (c Config) Validate() error {
	switch {
	case c.Search != Secant && c.Search != Bisection:
		return fmt.Errorf("trajopt: search is %q, need %q or %q", c.Search, Secant, Bisection)
	case !(c.MinEta > 0) || !(c.MaxEta > c.MinEta) || math.IsInf(c.MaxEta, 0):
		return fmt.Errorf("trajopt: need 0 < min eta < max eta, got %v and %v", c.MinEta, c.MaxEta)
	case !(c.Tolerance > 0 && c.Tolerance < 1):
		return fmt.Errorf("trajopt: tolerance is %v, need a number in (0, 1)", c.Tolerance)
	case c.MaxPasses < 2 || c.MaxPassesPerStep < 2:
		return fmt.Errorf("trajopt: max passes is %d, and %d with one bound per step, need at least 2", c.MaxPasses, c.MaxPassesPerStep)
	case !(c.CovarianceFloor >= 0) || math.IsInf(c.CovarianceFloor, 0):
		return fmt.Errorf("trajopt: covariance floor is %v, need a finite number >= 0", c.CovarianceFloor)
	}
	return nil
}

// Result is the outcome of a search.
type Result struct {
	Controller *lqg.Controller
	// Eta is the dual variable that belongs to Controller.
	Eta float64
	// KL is the divergence of Controller from the anchor over the whole trajectory, in
	// nat; KLPerStep (T) its parts.
	KL        float64
	KLPerStep []float64
	// Passes counts backward passes.
	Passes int
	// Active tells whether the bound held the solution back, so that KL is near epsilon:
	// false at MinEta, and where Anchored is true.
	Active bool
	// Anchored tells that no eta up to MaxEta, or none within MaxPasses, kept the bound, so
	// that Controller is a copy of the anchor: the cost outweighs MaxEta, or the passes
	// lose all digits.
	Anchored bool
	// Trace lists the etas tried, in order.
	Trace []float64
}

// Optimizer runs dual searches for problems of one size. It holds what they work with: an
// Update allocates its Result alone (Bisection also what describes a pass that failed).
type Optimizer struct {
	cfg       Config
	T, dX, dU int
	// problem is in the anchor's units; standard is the anchor in them, N(0, I).
	problem          *riccati.Problem
	anchor, standard *riccati.Gains
	floor            *lqg.Floor
	backward         *riccati.Backward
	forward          *riccati.Forward
	// states are those under the anchor, with PreviousMarginals.
	states *riccati.Marginals
	// trial is the controller of the latest pass, best one to go back to; both of
	// whitened actions.
	trial, best      *riccati.Gains
	klStep, bestStep []float64
	trace            []float64
	seen             recording
	restored         *riccati.Gains // one step
	quad, lin        []float64      // D x D and D
	noise            covariance
	steps            *stepSearch // nil before the first UpdatePerStep
}

// New returns an optimizer for T steps, dX states and dU actions.
func New(cfg Config, T, dX, dU int) (*Optimizer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	d := dX + dU
	o := &Optimizer{cfg: cfg, T: T, dX: dX, dU: dU, problem: riccati.NewProblem(T, dX, dU),
		anchor: riccati.NewGains(T, dX, dU), standard: riccati.NewGains(T, dX, dU),
		backward: riccati.NewBackward(dX, dU), forward: riccati.NewForward(dX, dU),
		trial: riccati.NewGains(T, dX, dU), best: riccati.NewGains(T, dX, dU), klStep: make([]float64, T), bestStep: make([]float64, T),
		restored: riccati.NewGains(1, dX, dU), quad: make([]float64, d*d), lin: make([]float64, d), noise: newCovariance(dX)}
	if cfg.PreviousMarginals {
		o.states = riccati.NewMarginals(T, dX, dU)
	}
	return o, nil
}

// Update returns a controller whose expected KL from the anchor, over the whole trajectory,
// is within the tolerance of epsilon (nat, > 0), or below it where the bound is inactive. A
// finite problem gives a controller (see Result.Anchored), unless doubles do not hold the new
// one's actions or covariances; with Search Secant none is above (1 + Tolerance) epsilon.
// eta0 > 0 starts the search. Errors wrap lqg.ErrNotFinite or lqg.ErrIndefinite, and with
// Bisection ErrNoController; parts that are missing or of another size than the optimizer's
// panic.
func (o *Optimizer) Update(p *Problem, epsilon, eta0 float64) (*Result, error) {
	if !(epsilon > 0) || math.IsInf(epsilon, 0) {
		return nil, fmt.Errorf("trajopt: KL bound is %v, need a finite number > 0", epsilon)
	}
	if !(eta0 > 0) || math.IsInf(eta0, 0) {
		return nil, fmt.Errorf("trajopt: starting eta is %v, need a finite number > 0", eta0)
	}
	if err := o.prepare(p); err != nil {
		return nil, err
	}
	find := o.secant
	if o.cfg.Search == Bisection {
		find = o.bisect
	}
	o.trace = o.trace[:0]
	o.seen = newRecording(p.Trace)
	defer o.seen.stop()
	p.Trace.Log("bound", epsilon)
	r, err := find(epsilon, eta0)
	if err != nil {
		return nil, err
	}
	if err := r.Controller.Validate(); err != nil {
		return nil, fmt.Errorf("trajopt: the new controller at eta %.3g: %w", r.Eta, err)
	}
	o.seen.end(o, p, r)
	return r, nil
}

// evaluate runs one backward and forward pass at eta into o.trial and o.klStep. ok is false
// where there is no controller at eta, or its states or its KL overflow: failure says which.
func (o *Optimizer) evaluate(eta float64) (kl float64, ok bool) {
	kl, ok = o.pass(eta)
	o.seen.pass(eta, kl, ok, o.klStep)
	return kl, ok
}

func (o *Optimizer) pass(eta float64) (kl float64, ok bool) {
	if o.backward.Run(o.trial, o.problem, eta) >= 0 {
		return 0, false
	}
	if o.cfg.PreviousMarginals {
		return o.forward.Measure(o.klStep, o.states, o.trial)
	}
	return o.forward.Run(o.klStep, o.problem, o.trial)
}

// failure says why evaluate failed at eta. It wraps lqg.ErrIndefinite or lqg.ErrNotFinite.
func (o *Optimizer) failure(eta float64) error {
	t := o.backward.Run(o.trial, o.problem, eta)
	if t < 0 {
		for k, v := range o.klStep {
			if math.IsInf(v, 0) {
				return fmt.Errorf("%w: the KL divergence overflows at time step %d", lqg.ErrNotFinite, k)
			}
		}
		return fmt.Errorf("%w: the states under the controller of eta %.3g", lqg.ErrNotFinite, eta)
	}
	quu := make([]float64, o.dU*o.dU)
	if !o.backward.FailedBlock(quu, eta) {
		return lqg.OverflowError(t, eta)
	}
	return lqg.ActionBlockError(quu, eta+o.problem.Weight(t), t, eta)
}

// keep makes the trial controller the best one.
func (o *Optimizer) keep() {
	o.best, o.trial = o.trial, o.best
	o.bestStep, o.klStep = o.klStep, o.bestStep
}

// result returns the controller c of whitened actions.
func (o *Optimizer) result(c *riccati.Gains, klStep []float64, eta float64, active bool) *Result {
	r := &Result{Controller: lqg.NewController(o.T, o.dX, o.dU), Eta: eta, KLPerStep: slices.Clone(klStep),
		Passes: len(o.trace), Active: active, Trace: slices.Clone(o.trace)}
	o.restore(r.Controller, c)
	for _, v := range klStep {
		r.KL += v
	}
	return r
}

// restore writes the controller c of whitened actions as one of the problem's actions.
func (o *Optimizer) restore(dst *lqg.Controller, c *riccati.Gains) {
	for t := range o.T {
		c.Restore(o.restored, o.anchor, t)
		o.restored.Get(0, dst.Gain(t), dst.BiasAt(t), dst.CholAt(t))
	}
}
