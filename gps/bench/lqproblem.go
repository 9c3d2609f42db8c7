package main

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"guidedpolicysearch/gps/internal/riccati"
	"guidedpolicysearch/gps/lqg"
)

// lq is a linear-quadratic problem with the controllers of one update.
type lq struct {
	T, dX, dU int
	dyn       *lqg.Dynamics
	cost      *lqg.Cost
	x0        *lqg.InitialState
	// anchor is what the KL divergence is measured from, controller a new one.
	anchor, controller *lqg.Controller
}

// newLQ draws a problem: dynamics that damp half of the state in a step, and strictly convex
// costs.
func newLQ(T, dX, dU int) *lq {
	rng := rand.New(rand.NewPCG(uint64(dX), uint64(dU)))
	d := dX + dU
	p := &lq{T: T, dX: dX, dU: dU, dyn: lqg.NewDynamics(T, dX, dU), cost: lqg.NewCost(T, dX, dU),
		x0:     &lqg.InitialState{Mean: normals(rng, dX, 1), Cov: make([]float64, dX*dX)},
		anchor: lqg.NewController(T, dX, dU), controller: lqg.NewController(T, dX, dU)}
	convex(rng, p.x0.Cov, dX, 0.1)
	for t := range T {
		f := p.dyn.FAt(t)
		copy(f, normals(rng, len(f), 0.5/math.Sqrt(float64(d))))
		for i := range dX {
			f[i*d+i] += 0.5
		}
		copy(p.dyn.BiasAt(t), normals(rng, dX, 0.1))
		convex(rng, p.dyn.CovAt(t), dX, 0.01)
	}
	for t := range T + 1 {
		n := d
		if t == T {
			n = dX
		}
		quad := make([]float64, n*n)
		convex(rng, quad, n, 1)
		for i := range n {
			copy(p.cost.QuadAt(t)[i*d:], quad[i*n:(i+1)*n])
			p.cost.LinAt(t)[i] = rng.NormFloat64()
		}
	}
	for _, c := range []*lqg.Controller{p.anchor, p.controller} {
		copy(c.K, normals(rng, len(c.K), 0.2/math.Sqrt(float64(dX))))
		copy(c.Bias, normals(rng, len(c.Bias), 0.2))
		for t := range T {
			for i := range dU {
				for j := range i {
					c.CholAt(t)[i*dU+j] = 0.1 * rng.NormFloat64()
				}
				c.CholAt(t)[i*dU+i] = 0.5 + 0.5*rng.Float64()
			}
		}
	}
	return p
}

func normals(rng *rand.Rand, n int, scale float64) []float64 {
	a := make([]float64, n)
	for i := range a {
		a[i] = scale * rng.NormFloat64()
	}
	return a
}

// convex fills dst (n x n) with a positive definite matrix of that scale.
func convex(rng *rand.Rand, dst []float64, n int, scale float64) {
	root := normals(rng, n*n, 1)
	for i := range n {
		for j := range i + 1 {
			s := 0.0
			for k := range n {
				s += root[i*n+k] * root[j*n+k]
			}
			dst[i*n+j], dst[j*n+i] = scale*s/float64(n), scale*s/float64(n)
		}
		dst[i*n+i] += 0.1 * scale
	}
}

// inputs returns the problem for peers: sizes, dynamics and cost first, which is all that
// the program for HPIPM reads.
func (p *lq) inputs() []array {
	T, dX, dU, d := p.T, p.dX, p.dU, p.dX+p.dU
	a := []array{
		vector("sizes", float64(T), float64(dX), float64(dU)),
		{Name: "F", Shape: []int{T, dX, d}, Data: p.dyn.F}, {Name: "f", Shape: []int{T, dX}, Data: p.dyn.Bias},
		{Name: "Q", Shape: []int{T + 1, d, d}, Data: p.cost.Quad}, {Name: "q", Shape: []int{T + 1, d}, Data: p.cost.Lin},
		{Name: "S", Shape: []int{T, dX, dX}, Data: p.dyn.Cov},
		{Name: "mean0", Shape: []int{dX}, Data: p.x0.Mean}, {Name: "cov0", Shape: []int{dX, dX}, Data: p.x0.Cov},
	}
	for _, c := range []struct {
		name string
		*lqg.Controller
	}{{"anchor", p.anchor}, {"controller", p.controller}} {
		a = append(a, array{Name: c.name + "_K", Shape: []int{T, dU, dX}, Data: c.K},
			array{Name: c.name + "_k", Shape: []int{T, dU}, Data: c.Bias},
			array{Name: c.name + "_L", Shape: []int{T, dU, dU}, Data: c.Chol})
	}
	return a
}

// plain is the problem's cost as an objective: without a KL term the divisor is 1.
func (p *lq) plain() *lqg.Objective {
	return &lqg.Objective{Cost: p.cost, Anchor: lqg.NewSurrogate(p.anchor), MaxEnt: 1}
}

// gains are a controller's gains and biases as results.
func gains(c *lqg.Controller) []array {
	return []array{
		{Name: "K", Shape: []int{c.T, c.DU, c.DX}, Data: c.K, Tolerance: 1e-8},
		{Name: "k", Shape: []int{c.T, c.DU}, Data: c.Bias, Tolerance: 1e-8},
	}
}

// backwardFlops of one pass: V F, the lower half of F'VF, the vectors, the factor of Q_uu, the
// gains, and the lower half of the new V.
func backwardFlops(T, dX, dU int) float64 {
	x, u := float64(dX), float64(dU)
	d := x + u
	return float64(T) * (2*x*x*d + x*d*(d+1) + 2*x*x + 2*x*d + u*u*u/3 + 2*u*u*(x+1) + u*x*(x+1) + 2*u*x)
}

// forwardFlops of one pass and its divergences: A + B K, B L, the lower halves of M Sigma M' and
// of (B L)(B L)', the means; Sigma K', its traces, and the factor of the covariance.
func forwardFlops(T, dX, dU int) float64 {
	x, u := float64(dX), float64(dU)
	pass := 2*x*x*u + x*u*u + 2*x*x*x + x*(x+1)*x + x*(x+1)*u + 2*x*x + 2*x*u
	return float64(T) * (pass + 2*u*x*x + 4*u*x + u*u)
}

// packed is the problem as the passes of a search have it, with a cost whose divisor is 1.
func (p *lq) packed() *riccati.Problem {
	packed := riccati.NewProblem(p.T, p.dX, p.dU)
	packed.MaxEnt = 1
	for t := range p.T + 1 {
		packed.SetCost(t, p.cost.QuadAt(t), p.cost.LinAt(t))
		if t < p.T {
			packed.SetDynamics(t, p.dyn.FAt(t), p.dyn.BiasAt(t), p.dyn.CovAt(t))
		}
	}
	return packed
}

// whitened is the controller in the units of the anchor: u = K_q x + k_q + L_q e, e ~ N(K x + k, L L').
func (p *lq) whitened() *riccati.Gains {
	g := riccati.NewGains(p.T, p.dX, p.dU)
	K, k, L := make([]float64, p.dU*p.dX), make([]float64, p.dU), make([]float64, p.dU*p.dU)
	for t := range p.T {
		for i, v := range p.anchor.Gain(t) {
			K[i] = p.controller.Gain(t)[i] - v
		}
		for i, v := range p.anchor.BiasAt(t) {
			k[i] = p.controller.BiasAt(t)[i] - v
		}
		copy(L, p.controller.CholAt(t))
		anchor := lower(p.anchor.CholAt(t), p.dU)
		blas64.Trsm(blas.Left, blas.NoTrans, 1, anchor, general(p.dU, p.dX, p.dX, K))
		blas64.Trsm(blas.Left, blas.NoTrans, 1, anchor, general(p.dU, p.dU, p.dU, L))
		blas64.Trsv(blas.NoTrans, anchor, column(k))
		g.Set(t, K, k, L)
	}
	return g
}

// unpack writes a packed controller to dst.
func unpack(dst *lqg.Controller, g *riccati.Gains) {
	for t := range dst.T {
		g.Get(t, dst.Gain(t), dst.BiasAt(t), dst.CholAt(t))
	}
}
