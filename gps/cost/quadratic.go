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
// not allocate. Mean does the same for a term with the memory of one expansion.
func QuadraticMean(dst *lqg.Cost, expansions []*Expansion, rollouts []*rollout.Rollout) error {
	if len(expansions) == 0 || len(expansions) != len(rollouts) {
		panic(fmt.Sprintf("cost: mean of %d expansions of %d rollouts, want the same number, at least 1", len(expansions), len(rollouts)))
	}
	zero(dst)
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
	return finiteCost(dst)
}

// zero sets all coefficients to zero.
func zero(c *lqg.Cost) {
	clear(c.Quad)
	clear(c.Lin)
	clear(c.Const)
}

// finiteCost returns an error wrapping ErrNotFinite for the first coefficient that is not.
func finiteCost(c *lqg.Cost) error {
	d := c.DX + c.DU
	t := dense.FirstNotFinite(c.Const)
	if i := dense.FirstNotFinite(c.Lin); t < 0 && i >= 0 {
		t = i / d
	}
	if i := dense.FirstNotFinite(c.Quad); t < 0 && i >= 0 {
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
		hy := addRow(quad[i*d:(i+1)*d], scale, h[i*d:(i+1)*d], x, u)
		lin[i] += scale * (gi - hy)
		c -= yAt(x, u, i) * (gi - hy/2)
	}
	return c
}

// addRow adds scale times a row of a Hessian to dst and returns its product with y = [x; u].
func addRow(dst []float64, scale float64, row, x, u []float64) float64 {
	hy, n := 0.0, min(len(row), len(x))
	for j, v := range row[:n] {
		hy += v * x[j]
		dst[j] += scale * v
	}
	for j, v := range row[n:] {
		hy += v * u[j]
		dst[n+j] += scale * v
	}
	return hy
}

// yAt returns y_i, y = [x; u].
func yAt(x, u []float64, i int) float64 {
	if i < len(x) {
		return x[i]
	}
	return u[i-len(x)]
}
