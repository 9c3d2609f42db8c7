package cost

import (
	"fmt"
	"math"

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
			dst.Const[t] += scale * about0(dst.LinAt(t), dst.QuadAt(t), scale, e, r, t, false)
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
// returns the constant part. Of each row of the Hessian it does only what lies between the
// first and the last number that is not 0; with drain it leaves zeros there.
func about0(lin, quad []float64, scale float64, e *Expansion, r *rollout.Rollout, t int, drain bool) float64 {
	x, u, g, h := r.State(t), r.Action(t), e.Gradient(t), e.Hessian(t)
	d, c := len(g), e.L[t]
	for i, gi := range g {
		row, hy := h[i*d:(i+1)*d], 0.0
		if from, to := span(row); from < to {
			if from < len(x) {
				hy = dot(hy, row[from:min(to, len(x))], x[from:])
			}
			if at := max(from, len(x)); at < to {
				hy = dot(hy, row[at:to], u[at-len(x):])
			}
			row, q := row[from:to], quad[i*d+from:i*d+to]
			for j, v := range row {
				q[j] += scale * v
			}
			if drain {
				clear(row)
			}
		}
		lin[i] += scale * (gi - hy)
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

// dot adds the product of a and the first len(a) elements of b to sum.
func dot(sum float64, a, b []float64) float64 {
	b = b[:len(a)]
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

// span returns where the elements of a begin and end that are not 0, of whatever sign; equal
// indices if all are. A NaN is not 0.
func span(a []float64) (from, to int) {
	// Eight at once: most rows of most costs have nothing in them.
	for from+8 <= len(a) && anyBits(a[from:from+8])<<1 == 0 {
		from += 8
	}
	for from < len(a) && a[from] == 0 {
		from++
	}
	to = len(a)
	for to-8 >= from && anyBits(a[to-8:to])<<1 == 0 {
		to -= 8
	}
	for to > from && a[to-1] == 0 {
		to--
	}
	return from, to
}

// anyBits returns the bits that are set in any of eight numbers.
func anyBits(v []float64) uint64 {
	_ = v[7]
	return math.Float64bits(v[0]) | math.Float64bits(v[1]) | math.Float64bits(v[2]) | math.Float64bits(v[3]) |
		math.Float64bits(v[4]) | math.Float64bits(v[5]) | math.Float64bits(v[6]) | math.Float64bits(v[7])
}
