// Package cost expands costs to second order along recorded trajectories.
//
// The cost of a rollout is sum_t l(x_t, u_t, t) over t = 0..T-1. A Term adds its share
// of l, of the gradient l_y and of the Hessian l_yy, y = [x; u], at every time step;
// QuadraticMean turns the expansions of several rollouts into the quadratic cost that
// trajectory optimisation works with, and Mean does both in the memory of one expansion.
// Penalties and ramps are those of the guided policy search code of Levine, Finn and others
// (Levine et al. 2015, arXiv:1504.00702, section 4 for the smooth norms), with their second
// derivatives corrected.
//
// Terms: Action, State, Points (end-effector points, with the Gauss-Newton Hessian),
// Waypoints, Tracking (of a reference), Region, Smoothness (of the action over time), Function (any cost as Go code),
// Expression (any cost as text) and Sum. Convex wraps a term whose Hessians shall be
// positive semi-definite; Projection does so for an expansion.
//
// All arrays are row-major with the time step first. D is dX+dU.
package cost

import (
	"errors"
	"fmt"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/rollout"
)

var (
	// ErrConfig marks a value that a term cannot be built with.
	ErrConfig = errors.New("cost: invalid configuration")
	// ErrShape marks a rollout that is too small for what a term was configured for.
	ErrShape = errors.New("cost: term does not fit the rollout")
	// ErrNotFinite marks a cost that is a NaN or an infinity.
	ErrNotFinite = errors.New("cost: value is not finite")
)

// Expansion holds the value and the derivatives of a cost AT the states and actions of
// one rollout.
type Expansion struct {
	T, DX, DU int
	// L holds l_t, T.
	L []float64
	// Ly holds the gradients by y = [x; u], T x D with D = dX+dU.
	Ly []float64
	// Lyy holds the Hessians, T x D x D, symmetric.
	Lyy []float64

	// shares is not nil where the parts of named terms are asked for.
	shares *shares
}

// maxNumbers bounds each array of an expansion: 2 GiB.
const maxNumbers = 1 << 28

// maxDim bounds the states and the actions of a term, and of the Hessians of a projection.
const maxDim = 10_000

// NewExpansion returns an expansion of zeros. Sizes below 1, or of more than 2^28 numbers in
// the Hessians, panic.
func NewExpansion(T, dX, dU int) *Expansion {
	if T < 1 || dX < 1 || dU < 1 {
		panic(fmt.Sprintf("cost: need T, dX, dU >= 1, got T=%d dX=%d dU=%d", T, dX, dU))
	}
	if d := float64(dX) + float64(dU); float64(T)*d*d > maxNumbers {
		panic(fmt.Sprintf("cost: T=%d dX=%d dU=%d: T (dX+dU)^2 may be at most %d", T, dX, dU, maxNumbers))
	}
	d := dX + dU
	return &Expansion{T: T, DX: dX, DU: dU, L: make([]float64, T), Ly: make([]float64, T*d), Lyy: make([]float64, T*d*d)}
}

// Reset sets all values to zero.
func (e *Expansion) Reset() {
	clear(e.L)
	clear(e.Ly)
	clear(e.Lyy)
}

// Gradient returns l_y at time step t, D, as a view.
func (e *Expansion) Gradient(t int) []float64 {
	d := e.DX + e.DU
	return e.Ly[t*d : (t+1)*d : (t+1)*d]
}

// Hessian returns l_yy at time step t, D x D, as a view.
func (e *Expansion) Hessian(t int) []float64 {
	d := e.DX + e.DU
	return e.Lyy[t*d*d : (t+1)*d*d : (t+1)*d*d]
}

// Total returns the cost of the rollout, the sum of L.
func (e *Expansion) Total() float64 {
	sum := 0.0
	for _, l := range e.L {
		sum += l
	}
	return sum
}

// addBlock adds an n x n Hessian h and a gradient g, scaled, at rows and columns
// start .. start+n-1 of time step t.
func (e *Expansion) addBlock(t, start int, scale float64, g, h []float64) {
	n, d := len(g), e.DX+e.DU
	grad, hess := e.Gradient(t), e.Hessian(t)
	for i := range n {
		grad[start+i] += scale * g[i]
		row := hess[(start+i)*d+start : (start+i)*d+start+n]
		for j, v := range h[i*n : (i+1)*n] {
			row[j] += scale * v
		}
	}
}

// Term is one part of a cost. A term owns its workspace: two goroutines must not use
// one term at once.
type Term interface {
	// Add adds weight times the term's value and derivatives along the rollout to
	// dst, and does not allocate, but for memory that it keeps from its first rollout
	// of a size. A rollout that the term does not fit gives an error wrapping
	// ErrShape, before anything is added; a value that is not finite may give one
	// wrapping ErrNotFinite with the time step. The value stands in L then, and the
	// rest of dst is of no use.
	Add(dst *Expansion, weight float64, r *rollout.Rollout) error
}

// Expand sets dst to the expansion of a term along a rollout. A rollout that is nil or does
// not hold what its sizes say gives an error wrapping ErrShape; sizes other than those of
// dst panic. A state or action, a cost or a derivative that is not finite gives an error
// wrapping ErrNotFinite with the time step and the element. The state after the last action
// is not looked at.
func Expand(dst *Expansion, term Term, r *rollout.Rollout) error {
	if err := r.CheckShape(); err != nil {
		return fmt.Errorf("%w: %w", ErrShape, err)
	}
	checkRollout(dst, r)
	if err := finiteRollout(r); err != nil {
		return err
	}
	dst.Reset()
	if err := term.Add(dst, 1, r); err != nil {
		return err
	}
	err := dst.checkFinite()
	if err == nil {
		return nil
	}
	switch term := term.(type) {
	case Named:
		return fmt.Errorf("%s: %w", term.Name, err)
	case *Sum:
		if of := term.blame(dst, r); of != nil {
			return of
		}
	}
	return err
}

// finiteRollout returns an error wrapping ErrNotFinite for the first state before the last,
// or the first action, that is not.
func finiteRollout(r *rollout.Rollout) error {
	if i := dense.FirstNotFinite(r.X[:r.T*r.DX]); i >= 0 {
		return fmt.Errorf("%w: state %d of the rollout at time step %d is %v, want finite states", ErrNotFinite, i%r.DX, i/r.DX, r.X[i])
	}
	if i := dense.FirstNotFinite(r.U[:r.T*r.DU]); i >= 0 {
		return fmt.Errorf("%w: action %d of the rollout at time step %d is %v, want finite actions", ErrNotFinite, i%r.DU, i/r.DU, r.U[i])
	}
	return nil
}

// checkFinite returns an error wrapping ErrNotFinite for the first element that is not.
func (e *Expansion) checkFinite() error {
	d := e.DX + e.DU
	if t := dense.FirstNotFinite(e.L); t >= 0 {
		return fmt.Errorf("%w: cost at time step %d is %v; lower the weights, or bound the states", ErrNotFinite, t, e.L[t])
	}
	if i := dense.FirstNotFinite(e.Ly); i >= 0 {
		return fmt.Errorf("%w: gradient element %d at time step %d is %v; %s", ErrNotFinite, i%d, i/d, e.Ly[i], roundIt)
	}
	if i := dense.FirstNotFinite(e.Lyy); i >= 0 {
		return fmt.Errorf("%w: Hessian element (%d, %d) at time step %d is %v; %s", ErrNotFinite, i/d%d, i%d, i/(d*d), e.Lyy[i], roundIt)
	}
	return nil
}

// roundIt says what to change where a cost has no derivative.
const roundIt = "round the cost where it has no derivative, such as sqrt(alpha + s) for a root or norm at 0"

// Weighted is a term with its weight in a sum.
type Weighted struct {
	// Weight is finite and >= 0.
	Weight float64
	Term   Term
}

// Named gives a term a name, which its errors begin with.
type Named struct {
	Name string
	Term Term
}

// Add adds the term.
func (n Named) Add(dst *Expansion, weight float64, r *rollout.Rollout) error {
	before, noted := 0.0, 0
	if dst.shares != nil {
		before, noted = dst.Total(), dst.shares.noted
	}
	if err := n.Term.Add(dst, weight, r); err != nil {
		return fmt.Errorf("%s: %w", n.Name, err)
	}
	if dst.shares != nil && dst.shares.noted == noted {
		dst.shares.note(n.Name, dst.Total()-before)
	}
	return nil
}

// Sum is a weighted sum of terms.
type Sum struct{ terms []Weighted }

// NewSum returns the sum, or an error wrapping ErrConfig for a weight that is negative
// or not finite, a missing term, or no term at all.
func NewSum(terms ...Weighted) (*Sum, error) {
	if len(terms) == 0 {
		return nil, fmt.Errorf("%w: sum has no terms, want at least 1", ErrConfig)
	}
	for i, w := range terms {
		if err := notNegative(fmt.Sprintf("terms[%d].weight", i), w.Weight); err != nil {
			return nil, err
		}
		if n, ok := w.Term.(Named); w.Term == nil || ok && n.Term == nil {
			return nil, fmt.Errorf("%w: terms[%d] is nil, want a term", ErrConfig, i)
		}
	}
	return &Sum{terms: append([]Weighted(nil), terms...)}, nil
}

// Add adds all terms; it stops at the first that fails, and says which.
func (s *Sum) Add(dst *Expansion, weight float64, r *rollout.Rollout) error {
	for i, w := range s.terms {
		if err := w.Term.Add(dst, weight*w.Weight, r); err != nil {
			return w.blame(i, err)
		}
	}
	return nil
}

// blame says of which term of a sum an error is.
func (w *Weighted) blame(i int, err error) error {
	if _, named := w.Term.(Named); named {
		return err
	}
	return fmt.Errorf("term %d: %w", i, err)
}

// blame returns the error of the first term that has one by itself. It overwrites dst.
func (s *Sum) blame(dst *Expansion, r *rollout.Rollout) error {
	for i, w := range s.terms {
		if err := Expand(dst, w.Term, r); err != nil {
			return w.blame(i, err)
		}
	}
	return nil
}

// checkRollout panics unless r holds what its sizes say, and dst has them.
func checkRollout(dst *Expansion, r *rollout.Rollout) {
	if err := r.CheckShape(); err != nil {
		panic("cost: " + err.Error())
	}
	if dst.T != r.T || dst.DX != r.DX || dst.DU != r.DU {
		panic(fmt.Sprintf("cost: expansion is for T=%d dX=%d dU=%d, rollout has T=%d dX=%d dU=%d",
			dst.T, dst.DX, dst.DU, r.T, r.DX, r.DU))
	}
}

func finite(v float64) bool { return v-v == 0 }
