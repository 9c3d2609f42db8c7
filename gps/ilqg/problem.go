package ilqg

import (
	"errors"
	"fmt"
	"math"

	"guidedpolicysearch/gps/internal/dense"
)

var (
	// ErrConfig marks a problem or a setting that a solver cannot be built with.
	ErrConfig = errors.New("ilqg: invalid configuration")
	// ErrNotFinite marks a NaN or an infinity in an input, a cost or a derivative.
	ErrNotFinite = errors.New("ilqg: value is not finite")
	// ErrDiverged marks controls under which the system leaves the finite numbers.
	ErrDiverged = errors.New("ilqg: trajectory diverged")
	// ErrUnbounded marks a problem whose cost falls without a lower bound: it has no
	// minimum.
	ErrUnbounded = errors.New("ilqg: cost is not bounded below")
	// ErrIndefinite marks a Hessian that must be positive definite and is not.
	ErrIndefinite = errors.New("ilqg: matrix is not positive definite")
)

// Dynamics is a known discrete-time system.
type Dynamics interface {
	// Step writes x_{t+1} = f(x_t, u_t, t), dX, to dst, which overlaps neither x (dX)
	// nor u (dU). A NaN in dst says that the system cannot go on from there.
	Step(dst, x, u []float64, t int)
}

// Linearizer gives the derivatives of a system.
type Linearizer interface {
	// Linearize writes [f_x f_u] at (x, u, t), dX x (dX+dU), row-major, to dst.
	Linearize(dst, x, u []float64, t int)
}

// Problem is a trajectory optimisation problem: minimise
//
//	sum_{t<T} l(x_t, u_t, t) + l_T(x_T)   subject to x_{t+1} = f(x_t, u_t, t), lower <= u_t <= upper
type Problem struct {
	// T is the number of controls, >= 1; there are T+1 states.
	T int
	// DX and DU are the sizes of states and controls, >= 1.
	DX, DU int
	// Dynamics is f; Derivatives are its derivatives: the plant's own, Automatic or
	// CentralDifferences.
	Dynamics    Dynamics
	Derivatives Linearizer
	// Cost is l and l_T.
	Cost Cost
	// Lower and Upper bound every element of every control, dU each, in the control's
	// unit; infinities are no bounds. Both nil leave the controls free.
	Lower, Upper []float64
}

// Validate returns an error wrapping ErrConfig that names the field, its value and what
// was expected.
func (p *Problem) Validate() error {
	if p.T < 1 || p.DX < 1 || p.DU < 1 {
		return fmt.Errorf("%w: T=%d dX=%d dU=%d, want at least 1 each", ErrConfig, p.T, p.DX, p.DU)
	}
	d := p.DX + p.DU
	if p.DX > maxSize || p.DU > maxSize || p.T > maxSize || (p.T+1)*d*d > maxSize {
		return fmt.Errorf("%w: T=%d dX=%d dU=%d, want (T+1)*(dX+dU)^2 at most %d", ErrConfig, p.T, p.DX, p.DU, maxSize)
	}
	for _, part := range []struct {
		name string
		nil  bool
	}{{"Dynamics", p.Dynamics == nil}, {"Derivatives", p.Derivatives == nil}, {"Cost", p.Cost == nil}} {
		if part.nil {
			return fmt.Errorf("%w: %s is nil", ErrConfig, part.name)
		}
	}
	if p.Lower == nil && p.Upper == nil {
		return nil
	}
	if len(p.Lower) != p.DU || len(p.Upper) != p.DU {
		return fmt.Errorf("%w: Lower has %d elements and Upper %d, want dU=%d each, or both nil", ErrConfig, len(p.Lower), len(p.Upper), p.DU)
	}
	for i, lo := range p.Lower {
		// A control needs a finite value between its bounds.
		if hi := p.Upper[i]; !(lo <= hi) || math.IsInf(lo, 1) || math.IsInf(hi, -1) {
			return fmt.Errorf("%w: control %d is bounded by [%v, %v], want lower <= upper", ErrConfig, i, lo, hi)
		}
	}
	return nil
}

// maxSize bounds the numbers of the largest array that a solver allocates.
const maxSize = 1 << 28

// maxDim bounds the states and the controls of a system.
const maxDim = 10_000

func (p *Problem) bounded() bool { return p.Lower != nil }

// clamp brings a control between its bounds.
func (p *Problem) clamp(u []float64) {
	if !p.bounded() {
		return
	}
	for i := range u {
		u[i] = min(max(u[i], p.Lower[i]), p.Upper[i])
	}
}

func checkLen(name string, v []float64, want int) {
	if len(v) != want {
		panic(fmt.Sprintf("ilqg: %s has %d elements, want %d", name, len(v), want))
	}
}

func checkFinite(name string, v []float64, n int) error {
	if i := dense.FirstNotFinite(v); i >= 0 {
		return fmt.Errorf("%w: %s element %d at time step %d is %v", ErrNotFinite, name, i%n, i/n, v[i])
	}
	return nil
}
