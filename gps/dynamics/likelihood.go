package dynamics

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
)

// LogLikelihood returns, per time step, the mean over the rollouts of
// log N(x_{t+1}; F_t [x_t; u_t] + f_t, S_t), in nat: T numbers. On rollouts that the
// dynamics were not fitted to it measures how good a fit is, its noise included. Errors
// wrap ErrTooFewSamples without rollouts, lqg.ErrIndefinite where a noise covariance is
// not positive definite (a noise floor > 0 keeps it so), rollout.ErrNotFinite,
// rollout.ErrShape or ErrNotFinite.
func LogLikelihood(dyn *lqg.Dynamics, rollouts []*rollout.Rollout) ([]float64, error) {
	T, dX, dU, err := sizes(rollouts, 1, "a log-likelihood", (*rollout.Rollout).Validate)
	if err != nil {
		return nil, err
	}
	if T != dyn.T || dX != dyn.DX || dU != dyn.DU {
		panic(fmt.Sprintf("dynamics: dynamics of T=%d dX=%d dU=%d, rollouts of T=%d dX=%d dU=%d", dyn.T, dyn.DX, dyn.DU, T, dX, dU))
	}
	d := dX + dU
	result := make([]float64, T)
	factor, residual, y := make([]float64, dX*dX), make([]float64, dX), make([]float64, d)
	for t := range T {
		copy(factor, dyn.CovAt(t))
		if !dense.Cholesky(factor, dX) {
			return nil, fmt.Errorf("time step %d: covariance of the noise %s: %w: fit with a noise floor > 0", t, dense.Spectrum(dyn.CovAt(t), dX, dX), lqg.ErrIndefinite)
		}
		constant := -0.5 * float64(dX) * math.Log(2*math.Pi)
		for i := range dX {
			constant -= math.Log(factor[i*dX+i])
		}
		for _, r := range rollouts {
			copy(y, r.State(t))
			copy(y[dX:], r.Action(t))
			for i, v := range r.State(t + 1) {
				residual[i] = v - dyn.BiasAt(t)[i]
			}
			blas64.Gemv(blas.NoTrans, -1, dense.Matrix(dX, d, d, dyn.FAt(t)), dense.Vector(y), 1, dense.Vector(residual))
			blas64.Trsv(blas.NoTrans, dense.Factor(factor, dX), dense.Vector(residual))
			norm := blas64.Nrm2(dense.Vector(residual))
			result[t] += (constant - 0.5*norm*norm) / float64(len(rollouts))
		}
		if math.IsNaN(result[t]) || math.IsInf(result[t], 0) {
			return nil, fmt.Errorf("%w: log-likelihood at time step %d is %v: the rollouts are too far from what the dynamics predict", ErrNotFinite, t, result[t])
		}
	}
	return result, nil
}
