package ilqg

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas/blas64"

	"guidedpolicysearch/gps/internal/dense"
)

// BoxQP minimises 1/2 x'Hx + g'x subject to lower <= x <= upper, H positive definite, by
// a projected Newton method (Tassa, Mansard & Todorov 2014, section III and algorithm 1
// there): elements that a bound holds back are clamped, a Newton step is taken in the
// others, and a projected line search follows.
//
// It owns its workspace: two goroutines must not use one at once.
type BoxQP struct {
	n       int
	clamped []bool
	free    []int     // indices of the elements that are not clamped, ascending
	factor  []float64 // Cholesky factor of H's free block, len(free)^2
	grad    []float64 // g + Hx, n
	step    []float64 // Newton step, n, zero where clamped
	trial   []float64 // n
	slope   []float64 // gradient where a line search begins, n
	block   []float64 // right-hand sides of the free block
}

// NewBoxQP returns a solver for problems of n variables, n >= 1.
func NewBoxQP(n int) *BoxQP {
	if n < 1 {
		panic(fmt.Sprintf("ilqg: box QP of %d variables, want at least 1", n))
	}
	return &BoxQP{n: n, clamped: make([]bool, n), free: make([]int, 0, n), factor: make([]float64, n*n),
		grad: make([]float64, n), step: make([]float64, n), slope: make([]float64, n), trial: make([]float64, n)}
}

const (
	// boxIterations bounds the Newton steps. Each frees or clamps elements or ends, and a
	// few times n have been enough for every n tried; this bounds the worst case.
	boxIterations = 200
	boxArmijo     = 0.1 // least part of the linear prediction that a step must bring
	boxBacktrack  = 0.6 // factor on the step in the line search
	// boxMinStep ends the line search: a step 1e4 times as long as x, so shortened, is lost
	// in the rounding of x, 1e-16 of it.
	boxMinStep   = 1e-20
	boxTolerance = 1e-13 // of the free gradient, relative to its terms
	boxSnap      = 1e-14 // distance from a bound, relative to it, that counts as none
)

// Solve minimises. x (n) holds the start and gets the minimiser; h is n x n, symmetric;
// g, lower and upper are n, and bounds may be infinite. It does not allocate. An H whose
// free block is not positive definite gives an error wrapping ErrIndefinite, bad input one
// wrapping ErrNotFinite or ErrConfig.
func (q *BoxQP) Solve(x, h, g, lower, upper []float64) error {
	n := q.n
	checkLen("x", x, n)
	checkLen("H", h, n*n)
	checkLen("g", g, n)
	checkLen("lower", lower, n)
	checkLen("upper", upper, n)
	for i := range n {
		if !(lower[i] <= upper[i]) || math.IsInf(lower[i], 1) || math.IsInf(upper[i], -1) {
			return fmt.Errorf("%w: variable %d of the box QP is bounded by [%v, %v], want lower <= upper", ErrConfig, i, lower[i], upper[i])
		}
		x[i] = project(x[i], lower[i], upper[i])
	}
	for _, part := range []struct {
		name string
		v    []float64
	}{{"x", x}, {"H", h}, {"g", g}} {
		if i := dense.FirstNotFinite(part.v); i >= 0 {
			return fmt.Errorf("%w: element %d of %s of the box QP is %v", ErrNotFinite, i, part.name, part.v[i])
		}
	}
	if !q.minimize(x, h, g, lower, upper) {
		return fmt.Errorf("%w: Hessian of the box QP, %d x %d, %s; add to its diagonal", ErrIndefinite, n, n, dense.Spectrum(h, n, n))
	}
	if i := dense.FirstNotFinite(x); i >= 0 {
		return fmt.Errorf("%w: element %d of the box QP's solution is %v; scale the problem", ErrNotFinite, i, x[i])
	}
	return nil
}

// minimize is Solve without its checks; x must be between its bounds. It reports whether
// H's free blocks were positive definite.
func (q *BoxQP) minimize(x, h, g, lower, upper []float64) bool {
	value := q.gradient(x, h, g)
	for iteration := range boxIterations {
		if changed := q.clamp(x, lower, upper); (changed || iteration == 0) && !q.factorize(h) {
			return false
		}
		if q.newton(x, h, g) {
			break
		}
		next, ok := q.search(x, h, g, lower, upper, value)
		if !ok {
			break // no step improves: x is the minimiser to rounding
		}
		value = next
	}
	return true
}

// Free returns the elements that no bound holds at the solution of the last Solve, as a
// view.
func (q *BoxQP) Free() []int { return q.free }

// SolveFree overwrites b, n x m row-major, by the solution of H X = b in the free rows,
// and by zero in the clamped ones, with the H and free set of the last Solve.
func (q *BoxQP) SolveFree(b []float64, m int) {
	checkLen("b", b, q.n*m)
	nf := len(q.free)
	if cap(q.block) < nf*m {
		q.block = make([]float64, q.n*m)
	}
	block := q.block[:nf*m]
	for k, i := range q.free {
		copy(block[k*m:(k+1)*m], b[i*m:(i+1)*m])
	}
	clear(b)
	if nf == 0 {
		return
	}
	dense.SolveFactored(q.factor[:nf*nf], nf, dense.Matrix(nf, m, m, block))
	for k, i := range q.free {
		copy(b[i*m:(i+1)*m], block[k*m:(k+1)*m])
	}
}

// gradient sets grad to g + Hx and returns the value at x.
func (q *BoxQP) gradient(x, h, g []float64) float64 {
	value := 0.0
	for i := range x {
		hx := 0.0
		for j, v := range x {
			hx += h[i*q.n+j] * v
		}
		q.grad[i] = g[i] + hx
		value += x[i] * (g[i] + hx/2)
	}
	return value
}

// clamp finds the elements that a bound holds back and reports whether they changed.
func (q *BoxQP) clamp(x, lower, upper []float64) (changed bool) {
	q.free = q.free[:0]
	for i, v := range x {
		c := lower[i] == upper[i] || v == lower[i] && q.grad[i] > 0 || v == upper[i] && q.grad[i] < 0
		changed = changed || c != q.clamped[i]
		q.clamped[i] = c
		if !c {
			q.free = append(q.free, i)
		}
	}
	return changed
}

// factorize sets factor from the free block of h and reports whether that is positive
// definite.
func (q *BoxQP) factorize(h []float64) bool {
	nf := len(q.free)
	for a, i := range q.free {
		for b, j := range q.free {
			q.factor[a*nf+b] = h[i*q.n+j]
		}
	}
	return nf == 0 || dense.Cholesky(q.factor[:nf*nf], nf)
}

// newton sets step and reports whether the free gradient is zero to rounding.
func (q *BoxQP) newton(x, h, g []float64) (done bool) {
	done = true
	for _, i := range q.free {
		scale := math.Abs(g[i])
		for j, v := range x {
			scale += math.Abs(h[i*q.n+j] * v)
		}
		done = done && math.Abs(q.grad[i]) <= boxTolerance*scale
	}
	if done {
		return true
	}
	nf := len(q.free)
	clear(q.step)
	rhs := q.trial[:nf]
	for k, i := range q.free {
		rhs[k] = -q.grad[i]
	}
	dense.SolveFactored(q.factor[:nf*nf], nf, blas64.General{Rows: nf, Cols: 1, Stride: 1, Data: rhs})
	for k, i := range q.free {
		q.step[i] = rhs[k]
	}
	return false
}

// search moves x along the projected step until the value falls enough. What counts as
// enough goes by the way that is left after the projection: next to a bound a step of the
// model may be longer by any factor.
func (q *BoxQP) search(x, h, g, lower, upper []float64, value float64) (float64, bool) {
	copy(q.trial, x)
	copy(q.slope, q.grad)
	for a := 1.0; a >= boxMinStep; a *= boxBacktrack {
		predicted := 0.0
		for i, s := range q.step {
			x[i] = project(q.trial[i]+a*s, lower[i], upper[i])
			predicted += q.slope[i] * (x[i] - q.trial[i])
		}
		if next := q.gradient(x, h, g); next < value && next-value <= boxArmijo*predicted {
			return next, true
		}
	}
	copy(x, q.trial)
	q.gradient(x, h, g)
	return value, false
}

// project brings v between its bounds, and onto one that is no further than rounding: an
// element so close to a bound, and not on it, would stop the line search.
func project(v, lower, upper float64) float64 {
	switch {
	case v <= lower || v-lower <= boxSnap*max(1, math.Abs(lower)) && !math.IsInf(lower, 0):
		return lower
	case v >= upper || upper-v <= boxSnap*max(1, math.Abs(upper)) && !math.IsInf(upper, 0):
		return upper
	}
	return v
}
