package cost

import (
	"fmt"

	"guidedpolicysearch/gps/rollout"
)

// Action is the cost 1/2 sum w u^2 of the actions.
type Action struct{ weights []float64 }

// NewAction returns the term for dU weights, in 1/(N m)^2, finite and >= 0; otherwise
// an error wrapping ErrConfig.
func NewAction(weights []float64) (*Action, error) {
	if len(weights) == 0 {
		return nil, fmt.Errorf("%w: weights has no elements, want one per action", ErrConfig)
	}
	if err := each("weights", weights, notNegative); err != nil {
		return nil, err
	}
	return &Action{weights: append([]float64(nil), weights...)}, nil
}

// Add adds the term; see Term.
func (a *Action) Add(dst *Expansion, weight float64, r *rollout.Rollout) error {
	checkRollout(dst, r)
	if len(a.weights) != r.DU {
		return fmt.Errorf("%w: action cost has %d weights, the rollout %d actions", ErrShape, len(a.weights), r.DU)
	}
	d := r.DX + r.DU
	for t := range r.T {
		gradient, hessian := dst.Gradient(t), dst.Hessian(t)
		for i, u := range r.Action(t) {
			w, j := weight*a.weights[i], r.DX+i
			dst.L[t] += 0.5 * w * u * u
			gradient[j] += w * u
			hessian[j*d+j] += w
		}
	}
	return nil
}
