package trajopt

import (
	"errors"
	"fmt"
	"math"

	"guidedpolicysearch/gps/lqg"
)

// ErrNoController marks a search that found no controller within the bound.
var ErrNoController = errors.New("trajopt: no controller within the KL bound")

// Search names the way the dual variable is searched.
type Search string

const (
	// Secant interpolates log KL over log eta inside a bracket.
	Secant Search = "secant"
	// Bisection is the rule of the public reference implementation: the geometric mean
	// of the bracket, moving at most a factor of 10 a pass; where Q_uu is not positive
	// definite eta is raised by a doubling increment.
	Bisection Search = "bisection"
)

// Config holds the settings of the dual search.
type Config struct {
	// Search is the rule for the next eta; default Secant.
	Search Search
	// MinEta and MaxEta bound eta, 0 < MinEta < MaxEta; default 1e-8 and 1e16.
	MinEta, MaxEta float64
	// Tolerance is the relative distance from epsilon that is accepted, in (0, 1);
	// default 0.1. No returned controller is above (1 + Tolerance) epsilon.
	Tolerance float64
	// MaxPasses bounds the backward passes of one search, >= 2; default 50.
	MaxPasses int
	// CovarianceFloor is the smallest eigenvalue of an action covariance, in the
	// action's unit squared, >= 0; default 0.
	CovarianceFloor float64
	// PreviousMarginals measures the KL under the state marginals of the anchor instead
	// of those of the new controller.
	PreviousMarginals bool
	// PropagateAnchor carries the value function of the anchor back, instead of that of
	// the new controller.
	PropagateAnchor bool
}

// DefaultConfig returns the defaults.
func DefaultConfig() Config {
	return Config{Search: Secant, MinEta: 1e-8, MaxEta: 1e16, Tolerance: 0.1, MaxPasses: 50}
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
	case c.MaxPasses < 2:
		return fmt.Errorf("trajopt: max passes is %d, need at least 2", c.MaxPasses)
	case !(c.CovarianceFloor >= 0) || math.IsInf(c.CovarianceFloor, 0):
		return fmt.Errorf("trajopt: covariance floor is %v, need a finite number >= 0", c.CovarianceFloor)
	}
	return nil
}

// Problem is one condition's model and cost.
type Problem struct {
	Dynamics *lqg.Dynamics
	X0       *lqg.InitialState
	Cost     *lqg.Cost
	// Anchor is the controller (or linearised policy) that the KL is measured from.
	Anchor *lqg.Controller
	// MaxEnt is the weight of the maximum-entropy term, >= 0.
	MaxEnt float64
	// Policy is BADMM's policy term, else nil.
	Policy *lqg.PolicyTerm
}

// validate checks that everything is finite, which the passes do not.
func (p *Problem) validate() error {
	if err := p.Anchor.Validate(); err != nil {
		return fmt.Errorf("trajopt: anchor: %w", err)
	}
	T := p.Anchor.T
	for _, part := range []struct {
		name  string
		steps int
		data  []float64
	}{
		{"dynamics F", T, p.Dynamics.F}, {"dynamics f", T, p.Dynamics.Bias}, {"dynamics covariance", T, p.Dynamics.Cov},
		{"cost's quadratic term", T + 1, p.Cost.Quad}, {"cost's linear term", T + 1, p.Cost.Lin},
		{"initial mean", 1, p.X0.Mean}, {"initial covariance", 1, p.X0.Cov},
	} {
		for i, v := range part.data {
			if v-v != 0 {
				return fmt.Errorf("%w: %s at time step %d is %v", lqg.ErrNotFinite, part.name, i*part.steps/len(part.data), v)
			}
		}
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
	// Active tells whether the bound held the solution back: false at MinEta.
	Active bool
	// Trace lists the etas tried, in order.
	Trace []float64
}

// Optimizer runs dual searches for problems of one size.
type Optimizer struct {
	cfg      Config
	backward *lqg.BackwardPass
	forward  *lqg.ForwardPass
	kl       *lqg.Divergence
	marginal *lqg.Trajectory
	trial    *lqg.Controller
	best     *lqg.Controller
	klStep   []float64
	bestStep []float64
}

// New returns an optimizer for T steps, dX states and dU actions.
func New(cfg Config, T, dX, dU int) (*Optimizer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	o := &Optimizer{cfg: cfg,
		backward: lqg.NewBackwardPass(dX, dU), forward: lqg.NewForwardPass(dX, dU), kl: lqg.NewDivergence(dX, dU),
		marginal: lqg.NewTrajectory(T, dX, dU), trial: lqg.NewController(T, dX, dU), best: lqg.NewController(T, dX, dU),
		klStep: make([]float64, T), bestStep: make([]float64, T)}
	o.backward.CovarianceFloor = cfg.CovarianceFloor
	return o, nil
}

// Update returns a controller whose expected KL from the anchor, over the whole
// trajectory, is within the tolerance of epsilon (nat, > 0) or below it where the bound
// is inactive or the KL jumps across it. eta0 starts the search. Errors wrap
// ErrNoController, lqg.ErrIndefinite or lqg.ErrNotFinite.
func (o *Optimizer) Update(p *Problem, epsilon, eta0 float64) (*Result, error) {
	if !(epsilon > 0) || math.IsInf(epsilon, 0) {
		return nil, fmt.Errorf("trajopt: KL bound is %v, need a finite number > 0", epsilon)
	}
	if !(eta0 > 0) || math.IsInf(eta0, 0) {
		return nil, fmt.Errorf("trajopt: starting eta is %v, need a finite number > 0", eta0)
	}
	if err := p.validate(); err != nil {
		return nil, err
	}
	obj := &lqg.Objective{Cost: p.Cost, Anchor: lqg.NewSurrogate(p.Anchor), MaxEnt: p.MaxEnt, Policy: p.Policy}
	o.backward.PropagateUnder = nil
	if o.cfg.PropagateAnchor {
		o.backward.PropagateUnder = p.Anchor
	}
	if o.cfg.PreviousMarginals {
		o.forward.Run(o.marginal, p.X0, p.Anchor, p.Dynamics)
	}
	if o.cfg.Search == Bisection {
		return o.bisect(p, obj, epsilon, eta0)
	}
	return o.secant(p, obj, epsilon, eta0)
}

// evaluate runs one backward and forward pass at eta into o.trial and o.klStep.
func (o *Optimizer) evaluate(p *Problem, obj *lqg.Objective, eta float64) (kl float64, err error) {
	if err := o.backward.Run(o.trial, obj, p.Dynamics, eta); err != nil {
		return 0, err
	}
	return o.divergence(p)
}

func (o *Optimizer) divergence(p *Problem) (float64, error) {
	if !o.cfg.PreviousMarginals {
		o.forward.Run(o.marginal, p.X0, o.trial, p.Dynamics)
	}
	kl := o.kl.PerStep(o.klStep, o.trial, p.Anchor, o.marginal)
	if math.IsNaN(kl) || math.IsInf(kl, 0) {
		return kl, fmt.Errorf("%w: the KL divergence is %v: the model or the cost has entries that overflow", lqg.ErrNotFinite, kl)
	}
	return kl, nil
}

// keep copies the trial controller to o.best.
func (o *Optimizer) keep() {
	o.best.CopyFrom(o.trial)
	copy(o.bestStep, o.klStep)
}

func (o *Optimizer) result(c *lqg.Controller, klStep []float64, eta, kl float64, active bool, trace []float64) *Result {
	return &Result{Controller: c.Clone(), Eta: eta, KL: kl, KLPerStep: append([]float64(nil), klStep...),
		Passes: len(trace), Active: active, Trace: trace}
}

// secant searches the root of log(KL/epsilon) over log eta. The bracket's upper end is
// always a feasible controller, which is what is returned if the KL jumps across
// epsilon or the passes run out.
func (o *Optimizer) secant(p *Problem, obj *lqg.Objective, epsilon, eta0 float64) (*Result, error) {
	var (
		trace    []float64
		minLog   = math.Log(o.cfg.MinEta)
		maxLog   = math.Log(o.cfg.MaxEta)
		lo, hi   = minLog, maxLog // ends of the bracket in log eta
		loVal    = math.NaN()     // log(KL/epsilon) there; NaN where not known
		hiVal    = math.NaN()
		loSeen   bool
		feasible bool // o.best holds the controller at hi
		bestKL   float64
		stride   = math.Log(10)
		side     int // which end moved last, for the Illinois rule
		failure  error
	)
	x := min(max(math.Log(eta0), minLog), maxLog)
	for len(trace) < o.cfg.MaxPasses {
		eta := math.Exp(x)
		kl, err := o.evaluate(p, obj, eta)
		trace = append(trace, eta)
		switch {
		case errors.Is(err, lqg.ErrIndefinite):
			failure = err
			lo, loVal, loSeen = x, math.NaN(), true
			side = -1
		case err != nil:
			return nil, err
		case math.Abs(kl-epsilon) <= o.cfg.Tolerance*epsilon:
			return o.result(o.trial, o.klStep, eta, kl, true, trace), nil
		case kl > epsilon:
			v := math.Log(kl / epsilon)
			if side == -1 {
				hiVal /= 2
			}
			lo, loVal, loSeen = x, v, true
			side = -1
		default:
			o.keep()
			bestKL = kl
			if x <= minLog {
				return o.result(o.best, o.bestStep, eta, kl, false, trace), nil
			}
			// An exact copy of the anchor has KL 0.
			v := math.Log(math.Max(kl, 1e-300) / epsilon)
			if side == 1 {
				loVal /= 2
			}
			hi, hiVal, feasible = x, v, true
			side = 1
		}
		switch {
		case !loSeen:
			x = max(minLog, hi-stride)
			stride *= 2
		case !feasible:
			if lo >= maxLog {
				if failure != nil {
					return nil, fmt.Errorf("%w up to eta %.3g: %w", ErrNoController, o.cfg.MaxEta, failure)
				}
				return nil, fmt.Errorf("%w: the KL stays above %.3g up to eta %.3g", ErrNoController, epsilon, o.cfg.MaxEta)
			}
			x = min(maxLog, lo+stride)
			stride *= 2
		case hi-lo < 1e-9*math.Max(1, math.Abs(hi)):
			return o.result(o.best, o.bestStep, math.Exp(hi), bestKL, true, trace), nil
		default:
			x = 0.5 * (lo + hi)
			if !math.IsNaN(loVal) && !math.IsNaN(hiVal) {
				x = lo + (hi-lo)*loVal/(loVal-hiVal)
				margin := 0.02 * (hi - lo)
				x = min(max(x, lo+margin), hi-margin)
			}
		}
	}
	if !feasible {
		return nil, fmt.Errorf("%w after %d passes, the last at eta %.3g", ErrNoController, len(trace), trace[len(trace)-1])
	}
	return o.result(o.best, o.bestStep, math.Exp(hi), bestKL, true, trace), nil
}
