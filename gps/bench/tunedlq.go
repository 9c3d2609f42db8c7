package main

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"

	"guidedpolicysearch/gps/lqg"
)

func general(rows, cols, stride int, a []float64) blas64.General {
	return blas64.General{Rows: rows, Cols: cols, Stride: stride, Data: a}
}

func column(a []float64) blas64.Vector { return blas64.Vector{N: len(a), Inc: 1, Data: a} }

func lower(a []float64, n int) blas64.Triangular {
	return blas64.Triangular{Uplo: blas.Lower, Diag: blas.NonUnit, N: n, Stride: n, Data: a}
}

// factorize replaces the lower triangle of a (n x n) by its Cholesky factor.
func factorize(a []float64, n int) error {
	if _, ok := lapack64.Potrf(blas64.Symmetric{Uplo: blas.Lower, N: n, Stride: n, Data: a}); !ok {
		return errIndefinite
	}
	return nil
}

// tunedLQ does the passes with gonum's BLAS in memory of its own.
type tunedLQ struct {
	*lq
	surrogate           *lqg.Surrogate
	result              *lqg.Controller
	kl                  []float64
	quad, lin           []float64 // D x D, D
	value, valueLin, vf []float64 // dX x dX, dX, dX x D
	action              []float64 // dU x dU
	chol, dK, spread, d []float64 // dU x dU, dU x dX, dU x dX, dU
	// The states, dX and dX x dX; A + B K and work, dX x dX, and B L, dX x dU.
	mean, nextMean, cov, next, closed, half, input []float64
}

func newTunedLQ(p *lq) *tunedLQ {
	T, dX, dU, d := p.T, p.dX, p.dU, p.dX+p.dU
	vec := func(n int) []float64 { return make([]float64, n) }
	return &tunedLQ{lq: p, surrogate: lqg.NewSurrogate(p.anchor), result: lqg.NewController(T, dX, dU), kl: vec(T),
		quad: vec(d * d), lin: vec(d), value: vec(dX * dX), valueLin: vec(dX), vf: vec(dX * d), action: vec(dU * dU),
		chol: vec(dU * dU), dK: vec(dU * dX), spread: vec(dU * dX), d: vec(dU),
		mean: vec(dX), nextMean: vec(dX), cov: vec(dX * dX), next: vec(dX * dX), closed: vec(dX * dX), half: vec(dX * dX), input: vec(dX * dU)}
}

// stage writes (cost + eta S)/eta, or the plain cost for eta = 0.
func (p *tunedLQ) stage(t int, eta float64) {
	copy(p.quad, p.cost.QuadAt(t))
	copy(p.lin, p.cost.LinAt(t))
	if eta == 0 {
		return
	}
	blas64.Scal(1/eta, column(p.quad))
	blas64.Scal(1/eta, column(p.lin))
	if t < p.T {
		blas64.Axpy(1, column(p.surrogate.Quad[t*len(p.quad):][:len(p.quad)]), column(p.quad))
		blas64.Axpy(1, column(p.surrogate.Lin[t*len(p.lin):][:len(p.lin)]), column(p.lin))
	}
}

// backward writes the controller that is best at eta to p.result.
func (p *tunedLQ) backward(eta float64) error {
	dX, dU, d := p.dX, p.dU, p.dX+p.dU
	V, VF := general(dX, dX, dX, p.value), general(dX, d, d, p.vf)
	p.stage(p.T, eta)
	p.takeValue()
	for t := p.T - 1; t >= 0; t-- {
		p.stage(t, eta)
		F := general(dX, d, d, p.dyn.FAt(t))
		blas64.Gemv(blas.NoTrans, 1, V, column(p.dyn.BiasAt(t)), 1, column(p.valueLin))
		blas64.Gemv(blas.Trans, 1, F, column(p.valueLin), 1, column(p.lin))
		blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, V, F, 0, VF)
		blas64.Gemm(blas.Trans, blas.NoTrans, 1, F, VF, 1, general(d, d, d, p.quad))

		K, k, chol := p.result.Gain(t), p.result.BiasAt(t), p.result.CholAt(t)
		for i := range dU {
			copy(p.action[i*dU:(i+1)*dU], p.quad[(dX+i)*d+dX:])
			copy(K[i*dX:(i+1)*dX], p.quad[(dX+i)*d:])
		}
		copy(k, p.lin[dX:])
		if err := factorize(p.action, dU); err != nil {
			return err
		}
		blas64.Trsm(blas.Left, blas.NoTrans, -1, lower(p.action, dU), general(dU, dX, dX, K))
		blas64.Trsm(blas.Left, blas.Trans, 1, lower(p.action, dU), general(dU, dX, dX, K))
		blas64.Trsv(blas.NoTrans, lower(p.action, dU), column(k))
		blas64.Trsv(blas.Trans, lower(p.action, dU), column(k))
		blas64.Scal(-1, column(k))
		copy(chol, p.action)
		lapack64.Potri(lower(chol, dU))
		if err := factorize(chol, dU); err != nil {
			return err
		}
		for i := range dU {
			clear(chol[i*dU+i+1 : (i+1)*dU])
		}

		cross := general(dX, dU, d, p.quad[dX:])
		p.takeValue()
		blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, cross, general(dU, dX, dX, K), 1, V)
		blas64.Gemv(blas.NoTrans, 1, cross, column(k), 1, column(p.valueLin))
		for i := range dX {
			for j := range i {
				s := 0.5 * (p.value[i*dX+j] + p.value[j*dX+i])
				p.value[i*dX+j], p.value[j*dX+i] = s, s
			}
		}
	}
	return nil
}

func (p *tunedLQ) takeValue() {
	d := p.dX + p.dU
	for i := range p.dX {
		copy(p.value[i*p.dX:(i+1)*p.dX], p.quad[i*d:])
	}
	copy(p.valueLin, p.lin)
}

// forward writes the divergences of c from the anchor, under the states that c leads to, to
// p.kl.
func (p *tunedLQ) forward(c *lqg.Controller) {
	dX, dU, d := p.dX, p.dU, p.dX+p.dU
	copy(p.mean, p.x0.Mean)
	copy(p.cov, p.x0.Cov)
	cov, next := general(dX, dX, dX, p.cov), general(dX, dX, dX, p.next)
	closed, half, spread := general(dX, dX, dX, p.closed), general(dX, dX, dX, p.half), general(dX, dU, dU, p.input)
	for t := range p.T {
		p.kl[t] = p.divergence(c, t)

		// M = A + B K and B L.
		F := p.dyn.FAt(t)
		B := general(dX, dU, d, F[dX:])
		for i := range dX {
			copy(p.closed[i*dX:(i+1)*dX], F[i*d:])
		}
		blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, B, general(dU, dX, dX, c.Gain(t)), 1, closed)
		blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, B, general(dU, dU, dU, c.CholAt(t)), 0, spread)

		copy(p.nextMean, p.dyn.BiasAt(t))
		blas64.Gemv(blas.NoTrans, 1, B, column(c.BiasAt(t)), 1, column(p.nextMean))
		blas64.Gemv(blas.NoTrans, 1, closed, column(p.mean), 1, column(p.nextMean))
		copy(p.mean, p.nextMean)

		copy(p.next, p.dyn.CovAt(t))
		blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, closed, cov, 0, half)
		blas64.Gemm(blas.NoTrans, blas.Trans, 1, half, closed, 1, next)
		blas64.Gemm(blas.NoTrans, blas.Trans, 1, spread, spread, 1, next)
		for i := range dX {
			for j := range i + 1 {
				s := 0.5 * (p.next[i*dX+j] + p.next[j*dX+i])
				p.cov[i*dX+j], p.cov[j*dX+i] = s, s
			}
		}
	}
}

func (p *tunedLQ) divergence(c *lqg.Controller, t int) float64 {
	dX, dU := p.dX, p.dU
	copy(p.chol, c.CholAt(t))
	for i, v := range p.anchor.Gain(t) {
		p.dK[i] = c.Gain(t)[i] - v
	}
	for i, v := range p.anchor.BiasAt(t) {
		p.d[i] = c.BiasAt(t)[i] - v
	}
	dK, anchor := general(dU, dX, dX, p.dK), lower(p.anchor.CholAt(t), dU)
	blas64.Gemv(blas.NoTrans, 1, dK, column(p.mean), 1, column(p.d))
	blas64.Trsm(blas.Left, blas.NoTrans, 1, anchor, general(dU, dU, dU, p.chol))
	blas64.Trsm(blas.Left, blas.NoTrans, 1, anchor, dK)
	blas64.Trsv(blas.NoTrans, anchor, column(p.d))
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, dK, general(dX, dX, dX, p.cov), 0, general(dU, dX, dX, p.spread))
	s := blas64.Dot(column(p.spread), column(p.dK)) + blas64.Dot(column(p.d), column(p.d)) + blas64.Dot(column(p.chol), column(p.chol)) - float64(dU)
	for i := range dU {
		s -= 2 * math.Log(p.chol[i*dU+i])
	}
	return 0.5 * s
}
