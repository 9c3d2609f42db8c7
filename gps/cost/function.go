package cost

import (
	"fmt"

	"guidedpolicysearch/gps/autodiff"
	"guidedpolicysearch/gps/rollout"
)

// Func is a cost as code: it returns l(x, u, t) for the state x, dX, and the action u, dU,
// at time step t = 0..T-1; t == T-1 is the last. Write it over a generic scalar,
//
//	func swing[S autodiff.Scalar[S]](x, u []S, t, T int) S
//
// and give swing[autodiff.Var] to NewFunction; swing[autodiff.Real] is its plain value.
// It may branch on values and on t, and must not keep x, u or what it made of them.
type Func func(x, u []autodiff.Var, t, T int) autodiff.Var

// FunctionConfig describes a cost that is given as code.
type FunctionConfig struct {
	// DX and DU are the numbers of states and actions, 1 to 10000.
	DX, DU int
	// Ramp multiplies the cost over time. Default ConstantRamp.
	Ramp Ramp
	// FinalMultiplier multiplies the cost at the last step, >= 0. Default 1.
	FinalMultiplier float64
}

// DefaultFunctionConfig returns the cost as the code gives it, at every step.
func DefaultFunctionConfig(dX, dU int) FunctionConfig {
	return FunctionConfig{DX: dX, DU: dU, FinalMultiplier: 1}
}

// Validate returns an error wrapping ErrConfig that names key, value and what was expected.
func (c FunctionConfig) Validate() error {
	if c.DX < 1 || c.DU < 1 || c.DX > maxDim || c.DU > maxDim {
		return fmt.Errorf("%w: dx is %d and du %d, want numbers from 1 to %d", ErrConfig, c.DX, c.DU, maxDim)
	}
	return first(c.Ramp.validate("ramp"), notNegative("final_multiplier", c.FinalMultiplier))
}

// Function is a cost given as code, expanded exactly by automatic differentiation
// (package autodiff).
type Function struct {
	config FunctionConfig
	f      Func
	tape   *autodiff.Tape
	y      []autodiff.Var // dX+dU
}

// NewFunction returns the term, or an error wrapping ErrConfig.
func NewFunction(c FunctionConfig, f Func) (*Function, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if f == nil {
		return nil, fmt.Errorf("%w: function is nil, want the code of the cost", ErrConfig)
	}
	return &Function{config: c, f: f, tape: autodiff.NewTape(), y: make([]autodiff.Var, c.DX+c.DU)}, nil
}

// Add adds the term; see Term. Steps that the ramp multiplies by 0 are not evaluated.
func (f *Function) Add(dst *Expansion, weight float64, r *rollout.Rollout) error {
	checkRollout(dst, r)
	c := &f.config
	if c.DX != r.DX || c.DU != r.DU {
		return fmt.Errorf("%w: cost function is for %d states and %d actions, the rollout has %d and %d", ErrShape, c.DX, c.DU, r.DX, r.DU)
	}
	x, u := f.y[:c.DX:c.DX], f.y[c.DX:]
	for t := range r.T {
		scale := weight * c.Ramp.At(t, r.T, c.FinalMultiplier)
		if scale == 0 {
			continue
		}
		f.tape.Reset()
		f.tape.Inputs(x, r.State(t))
		f.tape.Inputs(u, r.Action(t))
		l := f.f(x, u, t, r.T)
		if !finite(l.Value()) {
			dst.L[t] = scale * l.Value()
			return fmt.Errorf("%w: cost function is %v at time step %d, want a finite value for every state and action", ErrNotFinite, l.Value(), t)
		}
		dst.L[t] += scale * l.Value()
		f.tape.AddHessian(l, scale, dst.Gradient(t), dst.Hessian(t))
	}
	return nil
}
