package cost

import (
	"fmt"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
)

// TrackingConfig describes a cost of the distance from a reference that changes from step to
// step, such as a demonstration.
type TrackingConfig struct {
	// Start is the first element in x of the n that are to follow the reference.
	Start int
	// Reference holds the wanted values at each step, T x n.
	Reference []float64
	// Weights of the n elements, >= 0.
	Weights []float64
}

// Validate returns an error wrapping ErrConfig that names key, value and what was expected.
func (c TrackingConfig) Validate() error {
	n := len(c.Weights)
	if n == 0 || len(c.Reference) == 0 || len(c.Reference)%n != 0 {
		return fmt.Errorf("%w: reference has %d elements for %d weights, want T rows of as many as there are weights, at least 1", ErrConfig, len(c.Reference), n)
	}
	return first(start("start", c.Start), each("reference", c.Reference, isFinite), each("weights", c.Weights, notNegative))
}

// Tracking is 1/2 sum_i w_i (x_i - r_i(t))^2 at each step: quadratic, so that its expansion is
// exact everywhere.
type Tracking struct{ config TrackingConfig }

// NewTracking returns the term, or the error of c.Validate.
func NewTracking(c TrackingConfig) (*Tracking, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c.Reference, c.Weights = append([]float64(nil), c.Reference...), append([]float64(nil), c.Weights...)
	return &Tracking{config: c}, nil
}

// Steps returns T, the number of steps of the rollouts that the term is for.
func (k *Tracking) Steps() int { return len(k.config.Reference) / len(k.config.Weights) }

// at returns the reference at step t, n.
func (k *Tracking) at(t int) []float64 {
	n := len(k.config.Weights)
	return k.config.Reference[t*n : (t+1)*n]
}

// fits returns an error wrapping ErrShape unless the rollout has the reference's steps and the
// elements that follow it.
func (k *Tracking) fits(r *rollout.Rollout) error {
	if r.T != k.Steps() {
		return fmt.Errorf("%w: the reference of a tracking cost has %d steps, the rollout %d", ErrShape, k.Steps(), r.T)
	}
	return fitsState("tracking cost", k.config.Start, len(k.config.Weights), r)
}

// Add adds the term; see Term.
func (k *Tracking) Add(dst *Expansion, weight float64, r *rollout.Rollout) error {
	checkRollout(dst, r)
	if err := k.fits(r); err != nil {
		return err
	}
	d := r.DX + r.DU
	for t := range r.T {
		x, gradient, hessian := r.State(t)[k.config.Start:], dst.Gradient(t)[k.config.Start:], dst.Hessian(t)
		for i, wanted := range k.at(t) {
			w, off, at := weight*k.config.Weights[i], x[i]-wanted, k.config.Start+i
			dst.L[t] += w * off * off / 2
			gradient[i] += w * off
			hessian[at*d+at] += w
		}
	}
	return nil
}

// Value returns the term's value summed over the steps of a rollout. A rollout that it does not
// fit gives an error wrapping ErrShape.
func (k *Tracking) Value(r *rollout.Rollout) (float64, error) {
	if err := r.CheckShape(); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrShape, err)
	}
	if err := k.fits(r); err != nil {
		return 0, err
	}
	sum := 0.0
	for t := range r.T {
		x := r.State(t)[k.config.Start:]
		for i, wanted := range k.at(t) {
			sum += k.config.Weights[i] * (x[i] - wanted) * (x[i] - wanted) / 2
		}
	}
	return sum, nil
}

// AddQuadratic adds weight times the term, which may be negative, to a quadratic cost of the
// reference's T steps: what a change of the term's weight does to a cost that holds it already.
// Another T, or fewer states than the term is of, panics.
func (k *Tracking) AddQuadratic(dst *lqg.Cost, weight float64) {
	n, d := len(k.config.Weights), dst.DX+dst.DU
	if dst.T != k.Steps() || k.config.Start > dst.DX-n {
		panic(fmt.Sprintf("cost: quadratic cost is for T=%d dX=%d, the tracking cost for T=%d and states %d to %d", dst.T, dst.DX, k.Steps(), k.config.Start, k.config.Start+n-1))
	}
	for t := range dst.T {
		quad, lin := dst.QuadAt(t), dst.LinAt(t)
		for i, wanted := range k.at(t) {
			w, at := weight*k.config.Weights[i], k.config.Start+i
			quad[at*d+at] += w
			lin[at] -= w * wanted
			dst.Const[t] += w * wanted * wanted / 2
		}
	}
}

func (k *Tracking) sparsity(p *pattern, dX, dU int) bool {
	for i := k.config.Start; i < min(k.config.Start+len(k.config.Weights), p.d); i++ {
		p.widen(i, i, i+1)
	}
	return true
}
