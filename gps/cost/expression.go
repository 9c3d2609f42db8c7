package cost

import (
	"fmt"

	"guidedpolicysearch/gps/autodiff"
	"guidedpolicysearch/gps/cost/expression"
	"guidedpolicysearch/gps/rollout"
)

// ExpressionConfig describes a cost that is given as text.
type ExpressionConfig struct {
	// Text is the cost of one time step, such as "(1-cos(q0))^2 + 0.1*dq0^2"; package
	// expression says what can be written.
	Text string
	// States and Actions name the elements of x, dX, and u, dU; an element whose name is
	// empty is still x[i] or u[i].
	States, Actions []string
	// Ramp multiplies the cost over time. Default ConstantRamp.
	Ramp Ramp
	// FinalMultiplier multiplies the cost at the last step, >= 0. Default 1.
	FinalMultiplier float64
}

// DefaultExpressionConfig returns the cost as the text gives it, at every step.
func DefaultExpressionConfig(text string, states, actions []string) ExpressionConfig {
	return ExpressionConfig{Text: text, States: states, Actions: actions, FinalMultiplier: 1}
}

// Validate returns an error wrapping ErrConfig that names key, value and what was
// expected. The text is judged by NewExpression.
func (c ExpressionConfig) Validate() error {
	return first(c.Ramp.validate("ramp"), notNegative("final_multiplier", c.FinalMultiplier))
}

// Expression is a cost given as text. It is parsed, differentiated and compiled once.
type Expression struct {
	ramp            Ramp
	finalMultiplier float64
	dX, dU          int
	program         *autodiff.Program
}

// NewExpression returns the term, or an error wrapping ErrConfig, and
// expression.ErrInvalid with the place in the text.
func NewExpression(c ExpressionConfig) (*Expression, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	program, err := expression.Compile(c.Text, expression.Scope{States: c.States, Actions: c.Actions})
	if err != nil {
		return nil, fmt.Errorf("%w: text: %w", ErrConfig, err)
	}
	return &Expression{ramp: c.Ramp, finalMultiplier: c.FinalMultiplier, dX: len(c.States), dU: len(c.Actions), program: program}, nil
}

// Add adds the term; see Term. Steps that the ramp multiplies by 0 are not evaluated.
func (e *Expression) Add(dst *Expansion, weight float64, r *rollout.Rollout) error {
	checkRollout(dst, r)
	if e.dX != r.DX || e.dU != r.DU {
		return fmt.Errorf("%w: cost expression is for %d states and %d actions, the rollout has %d and %d", ErrShape, e.dX, e.dU, r.DX, r.DU)
	}
	y, parameters := e.program.Inputs(), e.program.Parameters()
	parameters[expression.Steps] = float64(r.T)
	for t := range r.T {
		scale := weight * e.ramp.At(t, r.T, e.finalMultiplier)
		if scale == 0 {
			continue
		}
		copy(y, r.State(t))
		copy(y[e.dX:], r.Action(t))
		parameters[expression.TimeStep] = float64(t)
		l := e.program.Run()
		if !finite(l) {
			dst.L[t] = scale * l
			return fmt.Errorf("%w: cost expression is %v at time step %d, want a finite value for every state and action", ErrNotFinite, l, t)
		}
		dst.L[t] += scale * l
		e.program.AddHessian(scale, dst.Gradient(t), dst.Hessian(t))
	}
	return nil
}
