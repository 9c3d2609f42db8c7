package ilqg

import (
	"fmt"

	"guidedpolicysearch/gps/autodiff"
)

// Automatic is a system written as Go code over a generic scalar,
//
//	func f[S autodiff.Scalar[S]](dst, x, u []S, t int)
//
// It is the Dynamics and, by automatic differentiation, their Linearizer.
type Automatic struct {
	real func(dst, x, u []autodiff.Real, t int)
	vars func(dst, x, u []autodiff.Var, t int)

	dX, dU     int
	next, x, u []autodiff.Real
	tape       *autodiff.Tape
	out, in    []autodiff.Var
}

// NewAutomatic returns the system of dX states and dU controls, of which real and vars are
// f[autodiff.Real] and f[autodiff.Var].
func NewAutomatic(real func(dst, x, u []autodiff.Real, t int), vars func(dst, x, u []autodiff.Var, t int), dX, dU int) (*Automatic, error) {
	if real == nil || vars == nil || dX < 1 || dU < 1 || dX > maxDim || dU > maxDim {
		return nil, fmt.Errorf("%w: automatic differentiation with dX=%d dU=%d, want two functions and sizes of 1 to %d", ErrConfig, dX, dU, maxDim)
	}
	return &Automatic{real: real, vars: vars, dX: dX, dU: dU,
		next: make([]autodiff.Real, dX), x: make([]autodiff.Real, dX), u: make([]autodiff.Real, dU),
		tape: autodiff.NewTape(), out: make([]autodiff.Var, dX), in: make([]autodiff.Var, dX+dU)}, nil
}

// Step writes f(x, u, t), dX, to dst.
func (a *Automatic) Step(dst, x, u []float64, t int) {
	for i, v := range x[:a.dX] {
		a.x[i] = autodiff.Real(v)
	}
	for i, v := range u[:a.dU] {
		a.u[i] = autodiff.Real(v)
	}
	a.real(a.next, a.x, a.u, t)
	for i, v := range a.next {
		dst[i] = float64(v)
	}
}

// Linearize writes [f_x f_u], dX x (dX+dU). The tape is recorded once and swept once per
// state element.
func (a *Automatic) Linearize(dst, x, u []float64, t int) {
	d := a.dX + a.dU
	checkLen("derivative", dst, a.dX*d)
	a.tape.Reset()
	a.tape.Inputs(a.in[:a.dX], x)
	a.tape.Inputs(a.in[a.dX:], u)
	a.vars(a.out, a.in[:a.dX], a.in[a.dX:], t)
	clear(dst)
	for i, v := range a.out {
		a.tape.AddGradient(v, 1, dst[i*d:(i+1)*d])
	}
}
