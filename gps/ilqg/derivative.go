package ilqg

import (
	"fmt"
	"math"
)

// DefaultDifference is the step of CentralDifferences that suits states and controls of
// order one.
const DefaultDifference = 1e-5

// CentralDifferences linearises a system by f_x ~ (f(x + h e_i) - f(x - h e_i)) / 2h. The
// error is of the order h^2 in f's third derivatives.
type CentralDifferences struct {
	dynamics     Dynamics
	dX, dU       int
	h            float64
	x, u, hi, lo []float64
}

// NewCentralDifferences returns the derivatives of a system of dX states and dU controls.
// h > 0 is the step, in the units of x and u, for elements of size up to one; larger
// elements get a step in proportion.
func NewCentralDifferences(d Dynamics, dX, dU int, h float64) (*CentralDifferences, error) {
	if d == nil || dX < 1 || dU < 1 || dX > maxDim || dU > maxDim {
		return nil, fmt.Errorf("%w: central differences of dynamics %T with dX=%d dU=%d, want dynamics and sizes of 1 to %d", ErrConfig, d, dX, dU, maxDim)
	}
	if !(h > 0) || math.IsInf(h, 1) {
		return nil, fmt.Errorf("%w: step of the central differences is %v, want a number > 0, such as %v", ErrConfig, h, DefaultDifference)
	}
	return &CentralDifferences{dynamics: d, dX: dX, dU: dU, h: h, x: make([]float64, dX), u: make([]float64, dU), hi: make([]float64, dX), lo: make([]float64, dX)}, nil
}

// Linearize writes [f_x f_u], dX x (dX+dU). It does not allocate.
func (c *CentralDifferences) Linearize(dst, x, u []float64, t int) {
	checkLen("derivative", dst, c.dX*(c.dX+c.dU))
	copy(c.x, x)
	copy(c.u, u)
	for j := range c.dX {
		c.column(dst, j, &c.x[j], t)
	}
	for j := range c.dU {
		c.column(dst, c.dX+j, &c.u[j], t)
	}
}

// column writes column j of dst, the derivative by the element at v.
func (c *CentralDifferences) column(dst []float64, j int, v *float64, t int) {
	old := *v
	h := c.h * max(1, math.Abs(old))
	above, below := old+h, old-h
	*v = above
	c.dynamics.Step(c.hi, c.x, c.u, t)
	*v = below
	c.dynamics.Step(c.lo, c.x, c.u, t)
	*v = old
	d := c.dX + c.dU
	for i, hi := range c.hi {
		// above-below is what 2h has become in rounding.
		dst[i*d+j] = (hi - c.lo[i]) / (above - below)
	}
}
