package ilqg

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"guidedpolicysearch/gps/cost"
	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/rollout"
)

// backward holds the backward pass: its results and its workspace.
type backward struct {
	dX, dU int
	gain   []float64 // K_t, T x dU x dX
	open   []float64 // k_t, T x dU
	// linear is sum k'Q_u and quadratic is sum k'Q_uu k; alpha linear + alpha^2/2
	// quadratic is the predicted change of the cost.
	linear, quadratic float64

	vx, vxx  []float64 // dX, dX x dX
	q, qy    []float64 // D x D and D
	w        []float64 // V_xx f_y, dX x D
	quu, qux []float64 // regularised, dU x dU and dU x dX
	temp     []float64 // dU x dX
	qk       []float64 // Q_uu k, dU
	eigen    *dense.Eigen
	lower    []float64 // bounds of the change of a control, dU
	upper    []float64
	box      *BoxQP
}

func newBackward(T, dX, dU int) *backward {
	d := dX + dU
	return &backward{dX: dX, dU: dU, gain: make([]float64, T*dU*dX), open: make([]float64, T*dU),
		vx: make([]float64, dX), vxx: make([]float64, dX*dX), q: make([]float64, d*d), qy: make([]float64, d), w: make([]float64, dX*d),
		quu: make([]float64, dU*dU), qux: make([]float64, dU*dX), temp: make([]float64, dU*dX), qk: make([]float64, dU), eigen: dense.NewEigen(dU),
		lower: make([]float64, dU), upper: make([]float64, dU), box: NewBoxQP(dU)}
}

// pass computes gains and changes of the controls for a weight lambda. fy is T x dX x D.
// It reports whether every regularised Q_uu was positive definite; if not, failed is the
// time step and the pass is not complete.
func (b *backward) pass(p *Problem, kind Regularization, lambda float64, r *rollout.Rollout, fy []float64, e *cost.Expansion) (failed int, ok bool) {
	dX, dU := b.dX, b.dU
	d := dX + dU
	b.linear, b.quadratic = 0, 0
	copy(b.vx, e.Gradient(p.T)[:dX])
	last := e.Hessian(p.T)
	for i := range dX {
		copy(b.vxx[i*dX:(i+1)*dX], last[i*d:i*d+dX])
	}
	for t := p.T - 1; t >= 0; t-- {
		f := fy[t*dX*d : (t+1)*dX*d]
		b.expand(f, e.Gradient(t), e.Hessian(t))
		b.regularize(kind, lambda, f)
		if !b.control(p, r, t) {
			return t, false
		}
		b.value(t)
	}
	return 0, true
}

// expand sets q and qy to the expansion of l + V(f(y)).
func (b *backward) expand(f, ly, lyy []float64) {
	d := b.dX + b.dU
	fy := dense.Matrix(b.dX, d, d, f)
	copy(b.qy, ly)
	blas64.Gemv(blas.Trans, 1, fy, dense.Vector(b.vx), 1, dense.Vector(b.qy))
	w := dense.Matrix(b.dX, d, d, b.w)
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, dense.Matrix(b.dX, b.dX, b.dX, b.vxx), fy, 0, w)
	copy(b.q, lyy)
	blas64.Gemm(blas.Trans, blas.NoTrans, 1, fy, w, 1, dense.Matrix(d, d, d, b.q))
	dense.Symmetrize(b.q, d, d)
}

// regularize sets quu and qux from q: the eigenvalues of Q_uu are clipped at zero, and
// lambda is added in the space of the controls or of the states.
func (b *backward) regularize(kind Regularization, lambda float64, f []float64) {
	dX, dU := b.dX, b.dU
	d := dX + dU
	for i := range dU {
		row := b.q[(dX+i)*d : (dX+i+1)*d]
		copy(b.qux[i*dX:(i+1)*dX], row[:dX])
		copy(b.quu[i*dU:(i+1)*dU], row[dX:])
	}
	b.clip()
	if kind == ControlSpace {
		for i := range dU {
			b.quu[i*dU+i] += lambda
		}
		return
	}
	fx, fu := dense.Matrix(dX, dX, d, f), dense.Matrix(dX, dU, d, f[dX:])
	blas64.Gemm(blas.Trans, blas.NoTrans, lambda, fu, fu, 1, dense.Matrix(dU, dU, dU, b.quu))
	blas64.Gemm(blas.Trans, blas.NoTrans, lambda, fu, fx, 1, dense.Matrix(dU, dX, dX, b.qux))
}

// clip takes the directions of negative curvature out of quu and qux: the eigenvalues are
// clipped at zero, and there is no feedback along them. A feedback that the clipped model
// would give has nothing to hold it but lambda, and V grows without bound from step to step.
func (b *backward) clip() {
	dX, dU := b.dX, b.dU
	if dU == 1 {
		if b.quu[0] < 0 {
			b.quu[0] = 0
			clear(b.qux)
		}
		return
	}
	factor := b.box.factor // free until the box QP is solved
	copy(factor, b.quu)
	if dense.Cholesky(factor, dU) || !b.eigen.Decompose(b.quu) {
		return // nothing to clip, or nothing to be saved
	}
	vectors := b.eigen.Vectors
	clear(b.quu)
	copy(b.temp, b.qux)
	clear(b.qux)
	for k, v := range b.eigen.Values {
		if v <= 0 {
			continue
		}
		for i := range dU {
			vi := vectors[i*dU+k]
			for j := range dU {
				b.quu[i*dU+j] += vi * v * vectors[j*dU+k]
				blas64.Axpy(vi*vectors[j*dU+k], dense.Vector(b.temp[j*dX:(j+1)*dX]), dense.Vector(b.qux[i*dX:(i+1)*dX]))
			}
		}
	}
	dense.Symmetrize(b.quu, dU, dU)
}

// control sets K_t and k_t: the minimiser of the regularised model between the bounds of
// the control, and its derivative by the state, zero for controls at a bound.
func (b *backward) control(p *Problem, r *rollout.Rollout, t int) bool {
	dX, dU := b.dX, b.dU
	k, gain, qu := b.open[t*dU:(t+1)*dU], b.gain[t*dU*dX:(t+1)*dU*dX], b.qy[dX:]
	for i, u := range r.Action(t) {
		b.lower[i], b.upper[i] = math.Inf(-1), math.Inf(1)
		if p.bounded() {
			b.lower[i], b.upper[i] = p.Lower[i]-u, p.Upper[i]-u
		}
	}
	// The step after this one is close to the solution (warm start).
	if t+1 < p.T {
		copy(k, b.open[(t+1)*dU:(t+2)*dU])
	} else {
		clear(k)
	}
	if dense.FirstNotFinite(b.quu) >= 0 || dense.FirstNotFinite(qu) >= 0 {
		return false
	}
	for i, v := range k {
		k[i] = project(v, b.lower[i], b.upper[i])
	}
	if !b.box.minimize(k, b.quu, qu, b.lower, b.upper) {
		return false
	}
	for i, v := range b.qux {
		gain[i] = -v
	}
	b.box.SolveFree(gain, dX)
	return dense.FirstNotFinite(gain) < 0 && dense.FirstNotFinite(k) < 0
}

// explain says why the pass with the largest lambda failed at time step t.
func (b *backward) explain(kind Regularization, lambda float64, t int) error {
	if dense.FirstNotFinite(b.quu) >= 0 || dense.FirstNotFinite(b.qy) >= 0 {
		return fmt.Errorf("%w: the cost to go overflows at time step %d; scale the cost down, shorten the horizon, or begin with controls that keep the system closer", ErrNotFinite, t)
	}
	advice := "scale the cost down"
	if kind == StateSpace {
		advice = "give every control a cost, or add lambda in control space"
	}
	return fmt.Errorf("%w: Q_uu at time step %d %s, even with lambda %.3g in %s space; %s",
		ErrIndefinite, t, dense.Spectrum(b.quu, b.dU, b.dU), lambda, kind, advice)
}

// value carries V one step back, with the formulas that hold for any K and k:
//
//	V_x = Q_x + K'(Q_uu k + Q_u) + Q_xu k,  V_xx = Q_xx + K'(Q_uu K + Q_ux) + Q_xu K
func (b *backward) value(t int) {
	dX, dU := b.dX, b.dU
	d := dX + dU
	k, gain := b.open[t*dU:(t+1)*dU], b.gain[t*dU*dX:(t+1)*dU*dX]
	quu, qux := dense.Matrix(dU, dU, d, b.q[dX*d+dX:]), dense.Matrix(dU, dX, d, b.q[dX*d:])
	kv, gm := dense.Vector(k), dense.Matrix(dU, dX, dX, gain)

	copy(b.vx, b.qy[:dX])
	blas64.Gemv(blas.Trans, 1, qux, kv, 1, dense.Vector(b.vx))
	qk := b.qk
	clear(qk)
	blas64.Gemv(blas.NoTrans, 1, quu, kv, 0, dense.Vector(qk))
	for i, v := range k {
		b.linear += v * b.qy[dX+i]
		b.quadratic += v * qk[i]
		qk[i] += b.qy[dX+i]
	}
	blas64.Gemv(blas.Trans, 1, gm, dense.Vector(qk), 1, dense.Vector(b.vx))

	for i := range dX {
		copy(b.vxx[i*dX:(i+1)*dX], b.q[i*d:i*d+dX])
	}
	for i := range dU {
		copy(b.temp[i*dX:(i+1)*dX], b.q[(dX+i)*d:(dX+i)*d+dX])
	}
	vxx, temp := dense.Matrix(dX, dX, dX, b.vxx), dense.Matrix(dU, dX, dX, b.temp)
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, quu, gm, 1, temp)
	blas64.Gemm(blas.Trans, blas.NoTrans, 1, gm, temp, 1, vxx)
	blas64.Gemm(blas.Trans, blas.NoTrans, 1, qux, gm, 1, vxx)
	dense.Symmetrize(b.vxx, dX, dX)
}
