package cost

import (
	"fmt"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
)

// QuadraticMean sets dst to the mean over N rollouts of their second-order Taylor
// expansions, each rewritten from about its own y_t to about y = 0:
//
//	Q = l_yy,  q = l_y - l_yy y_t,  c = l - l_y'y_t + 1/2 y_t'l_yy y_t
//
// The cost covers t = 0..T-1; entry T of dst is zero. Expansion n must belong to
// rollout n; other numbers or sizes panic. Coefficients that overflow, though the
// expansions are finite, give an error wrapping ErrNotFinite with the time step. It does
// not allocate.
func QuadraticMean(dst *lqg.Cost, expansions []*Expansion, rollouts []*rollout.Rollout) error {
	if len(expansions) == 0 || len(expansions) != len(rollouts) {
		panic(fmt.Sprintf("cost: mean of %d expansions of %d rollouts, want the same number, at least 1", len(expansions), len(rollouts)))
	}
	clear(dst.Quad)
	clear(dst.Lin)
	clear(dst.Const)
	scale := 1 / float64(len(expansions))
	for n, e := range expansions {
		r := rollouts[n]
		checkRollout(e, r)
		if dst.T != e.T || dst.DX != e.DX || dst.DU != e.DU {
			panic(fmt.Sprintf("cost: quadratic cost is for T=%d dX=%d dU=%d, expansion %d for T=%d dX=%d dU=%d",
				dst.T, dst.DX, dst.DU, n, e.T, e.DX, e.DU))
		}
		for t := range e.T {
			dst.Const[t] += scale * about0(dst.LinAt(t), dst.QuadAt(t), scale, e, r, t)
		}
	}
	d := dst.DX + dst.DU
	t := dense.FirstNotFinite(dst.Const)
	if i := dense.FirstNotFinite(dst.Lin); t < 0 && i >= 0 {
		t = i / d
	}
	if i := dense.FirstNotFinite(dst.Quad); t < 0 && i >= 0 {
		t = i / (d * d)
	}
	if t >= 0 {
		return fmt.Errorf("%w: quadratic cost about 0 at time step %d; lower the weights, or bound the states", ErrNotFinite, t)
	}
	return nil
}

// about0 adds scale times the linear and quadratic parts of time step t about zero and
// returns the constant part.
func about0(lin, quad []float64, scale float64, e *Expansion, r *rollout.Rollout, t int) float64 {
	x, u, g, h := r.State(t), r.Action(t), e.Gradient(t), e.Hessian(t)
	d, c := len(g), e.L[t]
	for i, gi := range g {
		row, hy := h[i*d:(i+1)*d], 0.0
		for j, v := range x {
			hy += row[j] * v
		}
		for j, v := range u {
			hy += row[len(x)+j] * v
		}
		lin[i] += scale * (gi - hy)
		q := quad[i*d : (i+1)*d]
		for j, v := range row {
			q[j] += scale * v
		}
		yi := 0.0
		if i < len(x) {
			yi = x[i]
		} else {
			yi = u[i-len(x)]
		}
		c -= yi * (gi - hy/2)
	}
	return c
}
