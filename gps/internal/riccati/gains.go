package riccati

import (
	"fmt"
	"math"

	"guidedpolicysearch/gps/internal/kernel"
)

// Gains is a packed linear-Gaussian controller u_t ~ N(K x + k, C) of T steps. Arguments of
// its methods are row-major.
type Gains struct {
	shape
	T int

	k    []kernel.Block // [K'; k'] with its columns reversed, pz x dU
	root []kernel.Block // R of C = scale J R'R J, lower, pu x dU
	// scale is the number C is Q_uu^-1 times.
	scale []float64

	all [2][]float64 // of k and of root
}

// NewGains returns a controller u ~ N(0, I).
func NewGains(T, dX, dU int) *Gains {
	if T < 1 {
		panic(fmt.Sprintf("riccati: controller of T=%d, need at least 1", T))
	}
	s := newShape(dX, dU)
	g := &Gains{shape: s, T: T, scale: make([]float64, T)}
	for i, rows := range []int{s.pz, s.pu} {
		g.all[i] = kernel.NewArena(T * rows * dU).Take(T * rows * dU)
		blocks := make([]kernel.Block, T)
		for t := range T {
			blocks[t] = kernel.Block{Data: g.all[i][t*rows*dU : (t+1)*rows*dU : (t+1)*rows*dU], Stride: rows}
		}
		if i == 0 {
			g.k = blocks
		} else {
			g.root = blocks
		}
	}
	g.Standard()
	return g
}

// Standard makes the controller N(0, I) at all steps.
func (g *Gains) Standard() {
	clear(g.all[0])
	clear(g.all[1])
	for t := range g.T {
		g.scale[t] = 1
		for i := range g.dU {
			g.root[t].Set(i, i, 1)
		}
	}
}

// Set packs the gain (dU x dX), the bias (dU) and the lower covariance factor (dU x dU) of
// step t.
func (g *Gains) Set(t int, gain, bias, chol []float64) {
	dX, dU := g.dX, g.dU
	if len(gain) != dU*dX || len(bias) != dU || len(chol) != dU*dU {
		panic(fmt.Sprintf("riccati: controller of %d, %d and %d numbers for dX=%d dU=%d", len(gain), len(bias), len(chol), dX, dU))
	}
	g.scale[t] = 1
	for i := range dU {
		column := g.k[t].Column(g.reversed(i), g.pz)
		copy(column, gain[i*dX:(i+1)*dX])
		column[dX] = bias[i]
	}
	g.setFactor(t, chol, 1)
}

// setFactor packs factor times a lower covariance factor.
func (g *Gains) setFactor(t int, chol []float64, factor float64) {
	n, root := g.dU, g.root[t]
	for i := range n {
		for j := range i + 1 {
			root.Set(n-1-j, n-1-i, factor*chol[i*n+j])
		}
	}
}

// Get writes the gain, the bias and the lower covariance factor of step t.
func (g *Gains) Get(t int, gain, bias, chol []float64) {
	dX, n := g.dX, g.dU
	for i := range n {
		column := g.k[t].Column(n-1-i, g.pz)
		copy(gain[i*dX:(i+1)*dX], column)
		bias[i] = column[dX]
	}
	scale, root := math.Sqrt(g.scale[t]), g.root[t]
	for i := range n {
		row := chol[i*n : (i+1)*n]
		clear(row[i+1:])
		for j := range i + 1 {
			row[j] = scale * root.At(n-1-j, n-1-i)
		}
	}
}

// Restore writes step t of a controller of whitened actions as one of the problem's
// actions, K_a + L K_e and alike, to step 0 of dst.
func (g *Gains) Restore(dst, anchor *Gains, t int) {
	g.mustEqual(anchor.shape, "an anchor")
	g.mustEqual(dst.shape, "a result")
	n := g.dU
	kernel.Add(dst.k[0], anchor.k[t], g.k[t], anchor.root[t].N(), g.dX+1, n, n)
	kernel.Set(dst.root[0], g.root[t], anchor.root[t].N(), n, n, n)
	dst.scale[0] = g.scale[t]
}

// Finite reports whether all numbers of step t are finite.
func (g *Gains) Finite(t int) bool {
	return kernel.Finite(g.k[t].Data) && kernel.Finite(g.root[t].Data)
}

// overflows returns the last step from first on whose numbers are not all finite, or -1.
func (g *Gains) overflows(first int) int {
	if first == 0 && kernel.Finite(g.all[0]) && kernel.Finite(g.all[1]) {
		return -1
	}
	for t := g.T - 1; t >= first; t-- {
		if !g.Finite(t) {
			return t
		}
	}
	return -1
}
