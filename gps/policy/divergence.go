package policy

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/internal/riccati"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
)

// Divergence measures how far a policy is from a controller at samples. It owns workspace: one
// goroutine at a time.
type Divergence struct {
	dX, dU int
	chol   []float64 // L_pi^-1 L_p, dU x dU
	delta  []float64 // L_pi^-1 (difference of the means), dU
}

// NewDivergence returns a workspace for dX states and dU actions.
func NewDivergence(dX, dU int) *Divergence {
	if dX < 1 || dU < 1 {
		panic(fmt.Sprintf("policy: need dX, dU >= 1, got dX=%d dU=%d", dX, dU))
	}
	return &Divergence{dX: dX, dU: dU, chol: make([]float64, dU*dU), delta: make([]float64, dU)}
}

// AtSamples writes KL(p(u|x) || pi(u|x)) of the controller p from the policy pi, in nat, to each (N x
// T; may be nil) for every state of the samples, and its mean over them to mean (T); it returns the
// sum of mean. means are the policy's at these states (N x T x dU), chol is the lower factor of its
// covariance, dU x dU for all steps or T x dU x dU:
//
//	1/2 [tr(P_pi C_p) - dU + log det C_pi - log det C_p + d'P_pi d]
//
// where the divergence is measured at states that were met, not under a model of them
// (arXiv:1504.00702, section 4.1). With multipliers, p is the controller of Duals.Shift. It is >= 0,
// +Inf where it overflows or a mean is NaN. Factors whose diagonal is not positive, and sizes that
// do not fit, panic. It does not allocate.
func (w *Divergence) AtSamples(each, mean []float64, p *lqg.Controller, samples []*rollout.Rollout, means, chol []float64) float64 {
	N, T, dU := len(samples), p.T, w.dU
	if p.DX != w.dX || p.DU != dU || len(mean) != T || each != nil && len(each) != N*T || len(means) != N*T*dU || len(chol) != dU*dU && len(chol) != T*dU*dU || N == 0 {
		panic(fmt.Sprintf("policy: divergence for dX=%d dU=%d of a controller of T=%d dX=%d dU=%d from a policy of %d numbers of means and %d of factors at %d samples into %d and %d numbers",
			w.dX, dU, T, p.DX, p.DU, len(means), len(chol), N, len(each), len(mean)))
	}
	checkSamples(samples, T, w.dX, dU)
	total := 0.0
	for t := range T {
		l := chol[:dU*dU]
		if len(chol) > dU*dU {
			l = block(chol, t, dU*dU)
		}
		factor := dense.Factor(l, dU)
		shape := w.shape(p, l, t, factor)
		mean[t] = 0
		for n, s := range samples {
			p.Act(w.delta, s.State(t), t, nil)
			for i, v := range block(means, n*T+t, dU) {
				w.delta[i] -= v
			}
			blas64.Trsv(blas.NoTrans, factor, dense.Vector(w.delta))
			kl := shape
			for _, v := range w.delta {
				kl += 0.5 * v * v
			}
			if math.IsNaN(kl) {
				kl = math.Inf(1)
			}
			if each != nil {
				each[n*T+t] = kl
			}
			mean[t] += kl / float64(N)
		}
		total += mean[t]
	}
	return total
}

// shape returns the part of the divergence at time step t that depends on the covariances only.
func (w *Divergence) shape(p *lqg.Controller, l []float64, t int, factor blas64.Triangular) float64 {
	n := w.dU
	copy(w.chol, p.CholAt(t))
	for i := range n {
		if !(l[i*n+i] > 0) || !(w.chol[i*n+i] > 0) {
			panic(fmt.Sprintf("policy: divergence at time step %d of covariance factors with %v and %v on their diagonals (row %d), need numbers > 0", t, w.chol[i*n+i], l[i*n+i], i))
		}
	}
	blas64.Trsm(blas.Left, blas.NoTrans, 1, factor, dense.Matrix(n, n, n, w.chol))
	sum := 0.0
	for i := range n {
		sum += riccati.Excess(w.chol[i*n+i])
		for _, v := range w.chol[i*n : i*n+i] {
			sum += v * v
		}
	}
	return 0.5 * sum
}
