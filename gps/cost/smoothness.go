package cost

import (
	"fmt"

	"guidedpolicysearch/gps/rollout"
)

// SmoothnessConfig describes the cost 1/2 sum_t sum_i w_i (u_t - u_{t-1})_i^2 of changes of
// the action.
type SmoothnessConfig struct {
	// Weights of the actions, in 1/(N m)^2, >= 0, dU.
	Weights []float64
	// InState says that the state carries the previous action, its dU elements from
	// element Start of x on. The term is then exact, and step 0 counts the way from the
	// action that x_0 names.
	InState bool
	Start   int
	// Before is the action before step 0, dU, in N m, where InState is false; nil means
	// that step 0 costs nothing. Default nil.
	Before []float64
}

// DefaultSmoothnessConfig returns the cost for states that do not carry the action.
func DefaultSmoothnessConfig(weights []float64) SmoothnessConfig {
	return SmoothnessConfig{Weights: weights}
}

// Validate returns an error wrapping ErrConfig that names key, value and what was expected.
func (c SmoothnessConfig) Validate() error {
	if len(c.Weights) == 0 {
		return fmt.Errorf("%w: weights has no elements, want one per action", ErrConfig)
	}
	if err := first(each("weights", c.Weights, notNegative), start("start", c.Start)); err != nil {
		return err
	}
	if c.Before == nil {
		return nil
	}
	if c.InState || len(c.Before) != len(c.Weights) {
		return fmt.Errorf("%w: before has %d elements, want none where the state carries the action, else %d as weights has",
			ErrConfig, len(c.Before), len(c.Weights))
	}
	return each("before", c.Before, isFinite)
}

// Smoothness penalises changes of the action from one time step to the next.
//
// Where the state carries the previous action, the cost of a step is a quadratic in
// y = [x; u], and its expansion is exact. Where it does not, u_t and u_{t-1} are of two
// steps, which an Expansion cannot couple: the term then holds a separable majoriser of
// the whole sum. With r = u_t - u_{t-1} at the rollout and deviations a of u_t, b of
// u_{t-1},
//
//	1/2 w (r + a - b)^2 <= 1/2 w r^2 + w r (a - b) + w a^2 + w b^2,
//
// as (a - b)^2 <= 2a^2 + 2b^2: a Hessian of 2w for each of the two. The sum of L is the
// true cost, the gradient by u_t is that of the whole sum, and the bound holds
// everywhere, so lowering the expansion never raises the true cost by more (majorise and
// minimise; Hunter and Lange, "A tutorial on MM algorithms", The American Statistician
// 58(1), 2004).
type Smoothness struct{ config SmoothnessConfig }

// NewSmoothness returns the term, or the error of c.Validate.
func NewSmoothness(c SmoothnessConfig) (*Smoothness, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c.Weights = append([]float64(nil), c.Weights...)
	c.Before = append([]float64(nil), c.Before...)
	return &Smoothness{config: c}, nil
}

// Add adds the term; see Term.
func (s *Smoothness) Add(dst *Expansion, weight float64, r *rollout.Rollout) error {
	checkRollout(dst, r)
	c := &s.config
	if len(c.Weights) != r.DU {
		return fmt.Errorf("%w: smoothness cost has %d weights, the rollout %d actions", ErrShape, len(c.Weights), r.DU)
	}
	if c.InState {
		if err := fitsState("smoothness cost", c.Start, r.DU, r); err != nil {
			return err
		}
		s.exact(dst, weight, r)
		return nil
	}
	d := r.DX + r.DU
	for t := range r.T {
		u, before := r.Action(t), c.Before
		if t > 0 {
			before = r.Action(t - 1)
		} else if len(before) == 0 {
			continue
		}
		for i, w := range c.Weights {
			w *= weight
			change, j := u[i]-before[i], r.DX+i
			dst.L[t] += 0.5 * w * change * change
			dst.Gradient(t)[j] += w * change
			if t == 0 { // the action before is given: nothing to separate
				dst.Hessian(t)[j*d+j] += w
				continue
			}
			dst.Hessian(t)[j*d+j] += 2 * w
			dst.Gradient(t - 1)[j] -= w * change
			dst.Hessian(t - 1)[j*d+j] += 2 * w
		}
	}
	return nil
}

// exact adds the term for states that carry the previous action.
func (s *Smoothness) exact(dst *Expansion, weight float64, r *rollout.Rollout) {
	d := r.DX + r.DU
	for t := range r.T {
		x, u, gradient, hessian := r.State(t), r.Action(t), dst.Gradient(t), dst.Hessian(t)
		for i, w := range s.config.Weights {
			w *= weight
			p, j := s.config.Start+i, r.DX+i
			change := u[i] - x[p]
			dst.L[t] += 0.5 * w * change * change
			gradient[j] += w * change
			gradient[p] -= w * change
			hessian[j*d+j] += w
			hessian[p*d+p] += w
			hessian[j*d+p] -= w
			hessian[p*d+j] -= w
		}
	}
}
