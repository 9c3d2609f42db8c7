package lqg

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"guidedpolicysearch/gps/internal/dense"
)

// TrajectoryDistribution is the Gaussian over whole trajectories that a controller has
// under a model, p(x_0) prod_t p(u_t | x_t) p(x_{t+1} | x_t, u_t). It keeps what it was
// made of: neither may change.
type TrajectoryDistribution struct {
	x0         *InitialState
	controller *Controller
	dynamics   *Dynamics
	// root0 is a square root of x_0's covariance, dX x dX, roots are those of the process
	// noise, T x dX x dX: R R' = S.
	root0, roots []float64
	marginals    *Trajectory
	// noise holds standard normal numbers for x and u.
	noise []float64
}

// NewTrajectoryDistribution returns the distribution of the controller's trajectories.
// The covariances of x_0 and of the noise may be singular: a start that is known exactly,
// a model without noise. Errors wrap ErrNotFinite, with the time step where a marginal
// overflows, or ErrIndefinite with the time step and the eigenvalues where a covariance is
// indefinite.
func NewTrajectoryDistribution(x0 *InitialState, c *Controller, dyn *Dynamics) (*TrajectoryDistribution, error) {
	T, dX, dU := c.T, c.DX, c.DU
	if dyn.T != T || dyn.DX != dX || dyn.DU != dU || len(x0.Mean) != dX || len(x0.Cov) != dX*dX {
		panic(fmt.Sprintf("lqg: trajectories of a controller of T=%d dX=%d dU=%d, dynamics of T=%d dX=%d dU=%d, x0 of %d", T, dX, dU, dyn.T, dyn.DX, dyn.DU, len(x0.Mean)))
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	for _, part := range []struct {
		name string
		data []float64
	}{{"mean of x_0", x0.Mean}, {"dynamics' F", dyn.F}, {"dynamics' f", dyn.Bias}} {
		if i := dense.FirstNotFinite(part.data); i >= 0 {
			return nil, fmt.Errorf("%w: entry %d of the %s is %v", ErrNotFinite, i, part.name, part.data[i])
		}
	}
	d := &TrajectoryDistribution{x0: x0, controller: c, dynamics: dyn,
		root0: make([]float64, dX*dX), roots: make([]float64, len(dyn.Cov)), noise: make([]float64, max(dX, dU))}
	eigen := dense.NewEigen(dX)
	if err := squareRoot(d.root0, x0.Cov, eigen); err != nil {
		return nil, fmt.Errorf("covariance of x_0: %w", err)
	}
	for t := range T {
		if err := squareRoot(block(d.roots, t, dX*dX), dyn.CovAt(t), eigen); err != nil {
			return nil, fmt.Errorf("time step %d: covariance of the noise: %w", t, err)
		}
	}
	d.marginals = NewTrajectory(T, dX, dU)
	if err := NewForwardPass(dX, dU).Run(d.marginals, x0, c, dyn); err != nil {
		return nil, err
	}
	return d, nil
}

// squareRoot writes R with R R' = a to dst for a positive semi-definite n x n matrix.
func squareRoot(dst, a []float64, eigen *dense.Eigen) error {
	n := len(eigen.Values)
	if i := dense.FirstNotFinite(a); i >= 0 {
		return fmt.Errorf("%w: entry (%d, %d) is %v", ErrNotFinite, i/n, i%n, a[i])
	}
	copy(dst, a)
	if dense.Cholesky(dst, n) {
		return nil
	}
	if !eigen.Decompose(a) {
		return fmt.Errorf("%w: its eigenvalues are not found", ErrNotFinite)
	}
	// What rounding leaves of a zero eigenvalue is no sign of an error.
	least, most := eigen.Values[0], eigen.Values[n-1]
	if least < -1e-10*math.Max(most, 0) || most < 0 {
		return fmt.Errorf("%w: it has eigenvalues from %.3g to %.3g, none may be negative", ErrIndefinite, least, most)
	}
	for k, v := range eigen.Values {
		s := math.Sqrt(math.Max(v, 0))
		for i := range n {
			dst[i*n+k] = s * eigen.Vectors[i*n+k]
		}
	}
	return nil
}

// Sample draws one trajectory: x_0..x_T into x ((T+1) x dX) and u_0..u_{T-1} into u
// (T x dU). Each step is drawn given the one before, so that the trajectory has the
// correlation in time that the model implies, as independent draws from Marginals would
// not. An error wraps ErrNotFinite and names the time step where the draw overflows, which
// takes marginals at the limit of a float64. It does not allocate.
func (d *TrajectoryDistribution) Sample(x, u []float64, rng *rand.Rand) error {
	c, dyn := d.controller, d.dynamics
	dX, dU := c.DX, c.DU
	if len(x) != (c.T+1)*dX || len(u) != c.T*dU {
		panic(fmt.Sprintf("lqg: sample of T=%d dX=%d dU=%d into %d states and %d actions' numbers, need %d and %d", c.T, dX, dU, len(x), len(u), (c.T+1)*dX, c.T*dU))
	}
	copy(x, d.x0.Mean)
	d.disturb(x[:dX], d.root0, rng)
	for t := range c.T {
		now, action, next := block(x, t, dX), block(u, t, dU), block(x, t+1, dX)
		e := d.noise[:dU]
		for i := range e {
			e[i] = rng.NormFloat64()
		}
		c.Act(action, now, t, e)
		copy(next, dyn.BiasAt(t))
		f := dense.Matrix(dX, dX, dX+dU, dyn.FAt(t))
		blas64.Gemv(blas.NoTrans, 1, f, dense.Vector(now), 1, dense.Vector(next))
		f = dense.Matrix(dX, dU, dX+dU, dyn.FAt(t)[dX:])
		blas64.Gemv(blas.NoTrans, 1, f, dense.Vector(action), 1, dense.Vector(next))
		d.disturb(next, block(d.roots, t, dX*dX), rng)
		if dense.FirstNotFinite(action) >= 0 || dense.FirstNotFinite(next) >= 0 {
			return fmt.Errorf("%w: the draw at time step %d: use other units, or shorten the horizon", ErrNotFinite, t)
		}
	}
	return nil
}

// disturb adds noise of covariance R R' to x.
func (d *TrajectoryDistribution) disturb(x, root []float64, rng *rand.Rand) {
	dX := len(x)
	e := d.noise[:dX]
	for i := range e {
		e[i] = rng.NormFloat64()
	}
	blas64.Gemv(blas.NoTrans, 1, dense.Matrix(dX, dX, dX, root), dense.Vector(e), 1, dense.Vector(x))
}

// Marginals returns the distribution of y_t for each time step by itself.
func (d *TrajectoryDistribution) Marginals() *Trajectory {
	m := *d.marginals
	m.Mean, m.Cov = slices.Clone(m.Mean), slices.Clone(m.Cov)
	return &m
}
