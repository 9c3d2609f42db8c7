package lqg

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/internal/riccati"
)

// Divergence computes KL divergences between controllers, with its workspace.
type Divergence struct {
	dX, dU int
	chol   []float64 // L_q^-1 L_p, dU x dU
	gain   []float64 // L_q^-1 (K_p - K_q), dU x dX
	spread []float64 // that times Sigma_x, dU x dX
	mean   []float64 // L_q^-1 (mean action of p - of q), dU
}

// NewDivergence returns a workspace for dX states and dU actions.
func NewDivergence(dX, dU int) *Divergence {
	checkSizes(1, dX, dU)
	return &Divergence{dX: dX, dU: dU,
		chol: make([]float64, dU*dU), gain: make([]float64, dU*dX), spread: make([]float64, dU*dX), mean: make([]float64, dU)}
}

// PerStep writes the expected divergence E[KL(p(u_t|x_t) || q(u_t|x_t))] for t = 0..T-1
// to dst (T), with x_t distributed as in m, and returns the sum:
//
//	1/2 [tr(P_q C_p) - dU + log det C_q - log det C_p + d'P_q d + tr(dK'P_q dK Sigma_x)]
//
// with dK = K_p - K_q and d the difference of the mean actions at the mean state
// (arXiv:1504.00702, appendix A.1). With m the marginals of p it is the divergence of
// the trajectory distributions. Every part is a sum of terms >= 0, so that nothing
// cancels where the controllers are close. Both controllers must pass Validate; a covariance
// factor whose diagonal is not positive panics. It does not check other numbers: where the
// divergence overflows, or the marginals do or have a NaN, it is +Inf, never NaN. It does not
// allocate.
func (w *Divergence) PerStep(dst []float64, p, q *Controller, m *Trajectory) float64 {
	return w.perStep(dst, p, q, m, true)
}

// PerStepAtMeans is PerStep without the states' covariance: the divergence at the mean
// states of m, a lower bound of the expected one.
func (w *Divergence) PerStepAtMeans(dst []float64, p, q *Controller, m *Trajectory) float64 {
	return w.perStep(dst, p, q, m, false)
}

func (w *Divergence) perStep(dst []float64, p, q *Controller, m *Trajectory, spread bool) float64 {
	if p.DX != w.dX || p.DU != w.dU || q.T != p.T || q.DX != p.DX || q.DU != p.DU || m.T != p.T || m.DX != p.DX || m.DU != p.DU || len(dst) != p.T {
		panic(fmt.Sprintf("lqg: divergence for dX=%d dU=%d of a controller of T=%d dX=%d dU=%d from one of T=%d dX=%d dU=%d under marginals of T=%d dX=%d dU=%d into %d numbers",
			w.dX, w.dU, p.T, p.DX, p.DU, q.T, q.DX, q.DU, m.T, m.DX, m.DU, len(dst)))
	}
	total := 0.0
	for t := range p.T {
		dst[t] = w.step(p, q, m, t, spread)
		total += dst[t]
	}
	return total
}

func (w *Divergence) step(p, q *Controller, m *Trajectory, t int, spread bool) float64 {
	dX, dU := w.dX, w.dU
	mustFactor(p.CholAt(t), dU, t, "divergence")
	mustFactor(q.CholAt(t), dU, t, "divergence")
	copy(w.chol, p.CholAt(t))
	pGain, qGain := p.Gain(t), q.Gain(t)
	for i := range w.gain {
		w.gain[i] = pGain[i] - qGain[i]
	}
	pBias, qBias := p.BiasAt(t), q.BiasAt(t)
	for i := range w.mean {
		w.mean[i] = pBias[i] - qBias[i]
	}
	gain := dense.Matrix(dU, dX, dX, w.gain)
	blas64.Gemv(blas.NoTrans, 1, gain, dense.Vector(m.MeanAt(t)[:dX]), 1, dense.Vector(w.mean))

	factor := dense.Factor(q.CholAt(t), dU)
	blas64.Trsm(blas.Left, blas.NoTrans, 1, factor, dense.Matrix(dU, dU, dU, w.chol))
	blas64.Trsm(blas.Left, blas.NoTrans, 1, factor, gain)
	blas64.Trsv(blas.NoTrans, factor, dense.Vector(w.mean))

	s := 0.0
	for i := range dU {
		s += riccati.Excess(w.chol[i*dU+i]) + w.mean[i]*w.mean[i]
		for j := range i {
			s += w.chol[i*dU+j] * w.chol[i*dU+j]
		}
	}
	if spread {
		d := dX + dU
		blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, gain, dense.Matrix(dX, dX, d, m.CovAt(t)), 0, dense.Matrix(dU, dX, dX, w.spread))
		s += math.Max(0, blas64.Dot(dense.Vector(w.spread), dense.Vector(w.gain)))
	}
	if math.IsNaN(s) {
		return math.Inf(1)
	}
	return 0.5 * s
}
