package lqg

import (
	"fmt"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"guidedpolicysearch/gps/internal/dense"
)

// Simulate writes the noise-free-model rollout y_0..y_{T-1} (T x D) of the controller
// from x0 (dX) with the given action noise e (T x dU, standard normal; nil for none). It does
// not check numbers: what overflows stays in dst.
func Simulate(dst, x0 []float64, c *Controller, dyn *Dynamics, noise []float64) {
	d := c.DX + c.DU
	if dyn.T != c.T || dyn.DX != c.DX || dyn.DU != c.DU || len(dst) != c.T*d || len(x0) != c.DX || noise != nil && len(noise) != c.T*c.DU {
		panic(fmt.Sprintf("lqg: rollout of a controller of T=%d dX=%d dU=%d on dynamics of T=%d dX=%d dU=%d from %d states with %d numbers of noise into %d", c.T, c.DX, c.DU, dyn.T, dyn.DX, dyn.DU, len(x0), len(noise), len(dst)))
	}
	copy(dst, x0)
	for t := range c.T {
		y := block(dst, t, d)
		var e []float64
		if noise != nil {
			e = block(noise, t, c.DU)
		}
		c.Act(y[c.DX:], y[:c.DX], t, e)
		if t+1 < c.T {
			next := block(dst, t+1, d)[:c.DX]
			copy(next, dyn.BiasAt(t))
			blas64.Gemv(blas.NoTrans, 1, dense.Matrix(c.DX, d, d, dyn.FAt(t)), dense.Vector(y), 1, dense.Vector(next))
		}
	}
}

// Eval returns the cost of y (D) at step t.
func (c *Cost) Eval(t int, y []float64) float64 {
	d := c.DX + c.DU
	if len(y) != d {
		panic(fmt.Sprintf("lqg: cost of dX=%d dU=%d at a y of %d numbers", c.DX, c.DU, len(y)))
	}
	quad, lin := c.QuadAt(t), c.LinAt(t)
	v := c.Const[t]
	for i := range d {
		s := 0.0
		for j := range d {
			s += quad[i*d+j] * y[j]
		}
		v += y[i] * (lin[i] + 0.5*s)
	}
	return v
}
