package ilqg

import (
	"fmt"

	"guidedpolicysearch/gps/cost"
	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/rollout"
)

// Cost is the cost of a whole trajectory r of T controls: T stage costs and the cost of
// the last state.
type Cost interface {
	// Values writes l(x_t, u_t, t) for t < T and then l_T(x_T), T+1, to dst. A value that
	// is not finite, or an error wrapping cost.ErrNotFinite, makes the line search take a
	// shorter step; any other error ends the descent.
	Values(dst []float64, r *rollout.Rollout) error
	// Expand sets dst, of T+1 steps, to the same values with gradients and Hessians by
	// y = [x; u]. At the last step the parts by u are without meaning.
	Expand(dst *cost.Expansion, r *rollout.Rollout) error
}

// StepCost is a cost written down for one time step at a time. At the end of the
// trajectory u is nil: there is a state, but no control.
type StepCost interface {
	// Value returns l(x, u, t), or l_T(x) if u is nil.
	Value(x, u []float64, t int) float64
	// Expand writes the gradient, dX+dU, and the symmetric Hessian, (dX+dU)^2, by
	// y = [x; u] to grad and hess, which are zero before.
	Expand(grad, hess, x, u []float64, t int)
}

// PerStep makes a Cost of a StepCost.
type PerStep struct{ StepCost }

// Values evaluates all steps.
func (p PerStep) Values(dst []float64, r *rollout.Rollout) error {
	for t := range r.T {
		dst[t] = p.Value(r.State(t), r.Action(t), t)
	}
	dst[r.T] = p.Value(r.State(r.T), nil, r.T)
	return nil
}

// Expand expands all steps.
func (p PerStep) Expand(dst *cost.Expansion, r *rollout.Rollout) error {
	dst.Reset()
	if err := p.Values(dst.L, r); err != nil {
		return err
	}
	for t := range r.T {
		p.StepCost.Expand(dst.Gradient(t), dst.Hessian(t), r.State(t), r.Action(t), t)
	}
	p.StepCost.Expand(dst.Gradient(r.T), dst.Hessian(r.T), r.State(r.T), nil, r.T)
	return nil
}

// TermCost makes a Cost of a term of package cost, or a sum of them: the term sees a
// rollout of T+1 steps, the last with the final state and a control of zero. A final cost
// is a term with a ramp or a final multiplier.
type TermCost struct {
	term      cost.Term
	T, dX, dU int
	longer    *rollout.Rollout
	expansion *cost.Expansion
}

// NewTermCost returns the cost of trajectories of T controls, dX states and dU controls.
// Its memory comes with the first trajectory: sizes below 1 or too large are an error of
// Problem.Validate before. A nil term panics.
func NewTermCost(term cost.Term, T, dX, dU int) *TermCost {
	if term == nil {
		panic(fmt.Sprintf("ilqg: cost for T=%d dX=%d dU=%d has no term", T, dX, dU))
	}
	return &TermCost{term: term, T: T, dX: dX, dU: dU}
}

func (c *TermCost) allocate() {
	if c.longer == nil {
		c.longer, c.expansion = rollout.New(c.T+1, c.dX, c.dU), cost.NewExpansion(c.T+1, c.dX, c.dU)
	}
}

// Values expands the term and keeps the values. An error wraps cost.ErrNotFinite where a
// value or a derivative is not finite: where the term has no expansion a descent could not
// go on. Then dst holds what there is, that value included.
func (c *TermCost) Values(dst []float64, r *rollout.Rollout) error {
	c.allocate()
	c.expansion.Reset()
	err := c.Expand(c.expansion, r)
	copy(dst, c.expansion.L)
	return err
}

// Expand expands the term along the longer rollout.
func (c *TermCost) Expand(dst *cost.Expansion, r *rollout.Rollout) error {
	if c.T != r.T || c.dX != r.DX || c.dU != r.DU {
		panic(fmt.Sprintf("ilqg: cost is for T=%d dX=%d dU=%d, trajectory has T=%d dX=%d dU=%d",
			c.T, c.dX, c.dU, r.T, r.DX, r.DU))
	}
	c.allocate()
	copy(c.longer.X, r.X)
	copy(c.longer.State(r.T+1), r.State(r.T))
	copy(c.longer.U, r.U)
	return cost.Expand(dst, c.term, c.longer)
}

// checkExpansion returns an error wrapping ErrNotFinite that names the time step.
func checkExpansion(e *cost.Expansion) error {
	d := e.DX + e.DU
	if err := checkFinite("cost", e.L, 1); err != nil {
		return err
	}
	if err := checkFinite("cost gradient", e.Ly, d); err != nil {
		return err
	}
	if i := dense.FirstNotFinite(e.Lyy); i >= 0 {
		return fmt.Errorf("%w: cost Hessian element (%d, %d) at time step %d is %v", ErrNotFinite, i%(d*d)/d, i%d, i/(d*d), e.Lyy[i])
	}
	return nil
}
