package lqg

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"guidedpolicysearch/gps/internal/dense"
)

// ErrIndefinite marks a matrix that must be positive definite and is not.
var ErrIndefinite = errors.New("lqg: matrix is not positive definite")

// ErrNotFinite marks a NaN or an infinity among inputs or results.
var ErrNotFinite = errors.New("lqg: value is not finite")

// Controller is a time-varying linear-Gaussian controller u_t ~ N(K_t x_t + k_t, C_t).
type Controller struct {
	T, DX, DU int
	// K holds the gains, T x dU x dX.
	K []float64
	// Bias holds the feed-forward terms k_t, T x dU, in the action's unit.
	Bias []float64
	// Chol holds the lower Cholesky factors L_t of the action covariances
	// C_t = L_t L_t', T x dU x dU.
	Chol []float64
}

// NewController returns a controller of zeros for T steps; its covariances have still
// to be set.
func NewController(T, dX, dU int) *Controller {
	checkSizes(T, dX, dU)
	return &Controller{T: T, DX: dX, DU: dU,
		K: make([]float64, T*dU*dX), Bias: make([]float64, T*dU), Chol: make([]float64, T*dU*dU)}
}

// Gain returns K_t, dU x dX.
func (c *Controller) Gain(t int) []float64 { return block(c.K, t, c.DU*c.DX) }

// BiasAt returns k_t, dU.
func (c *Controller) BiasAt(t int) []float64 { return block(c.Bias, t, c.DU) }

// CholAt returns the lower factor L_t of C_t, dU x dU.
func (c *Controller) CholAt(t int) []float64 { return block(c.Chol, t, c.DU*c.DU) }

// Sizes returns the number of actions T and the sizes of state and action.
func (c *Controller) Sizes() (T, dX, dU int) { return c.T, c.DX, c.DU }

// Act writes u = K_t x + k_t + L_t e to dst (dU) for the state x (dX) and 0 <= t < T. noise
// is e (dU), standard normal; nil means the mean action. Other shapes panic. It does not
// allocate, and does not check numbers: a NaN of x and what overflows reach dst, where the
// caller checks.
func (c *Controller) Act(dst, x []float64, t int, noise []float64) {
	if len(dst) != c.DU || len(x) != c.DX || noise != nil && len(noise) != c.DU || uint(t) >= uint(c.T) {
		c.panicAct(len(dst), len(x), t, len(noise))
	}
	gain, bias, chol := c.Gain(t), c.BiasAt(t), c.CholAt(t)
	for i := range dst {
		u := bias[i]
		for j, v := range x {
			u += gain[i*c.DX+j] * v
		}
		if noise != nil {
			for j := 0; j <= i; j++ {
				u += chol[i*c.DU+j] * noise[j]
			}
		}
		dst[i] = u
	}
}

func (c *Controller) panicAct(dst, x, t, noise int) {
	panic(fmt.Sprintf("lqg: controller of T=%d dX=%d dU=%d acts at time step %d on %d states with %d numbers of noise into %d actions", c.T, c.DX, c.DU, t, x, noise, dst))
}

// Covariance writes C_t to dst, dU x dU.
func (c *Controller) Covariance(dst []float64, t int) {
	outer(dst, c.CholAt(t), c.DU)
}

// Precision writes C_t^-1 to dst, dU x dU. It panics where the diagonal of L_t is not
// positive: C_t has no inverse.
func (c *Controller) Precision(dst []float64, t int) {
	n := c.DU
	mustFactor(c.CholAt(t), n, t, "precision")
	copy(dst[:n*n], c.CholAt(t))
	dense.InvertFactored(dst[:n*n], n)
}

// LogDet returns log det C_t; -Inf where L_t has a 0 on its diagonal, NaN where it has a
// negative number, which no factor has.
func (c *Controller) LogDet(t int) float64 {
	l, s := c.CholAt(t), 0.0
	for i := range c.DU {
		s += math.Log(l[i*c.DU+i])
	}
	return 2 * s
}

// Clone returns a deep copy.
func (c *Controller) Clone() *Controller {
	return &Controller{T: c.T, DX: c.DX, DU: c.DU,
		K: slices.Clone(c.K), Bias: slices.Clone(c.Bias), Chol: slices.Clone(c.Chol)}
}

// CopyFrom makes c equal to o, which must have the same sizes.
func (c *Controller) CopyFrom(o *Controller) {
	if c.T != o.T || c.DX != o.DX || c.DU != o.DU {
		panic(fmt.Sprintf("lqg: copy of a controller of T=%d dX=%d dU=%d into one of T=%d dX=%d dU=%d", o.T, o.DX, o.DU, c.T, c.DX, c.DU))
	}
	copy(c.K, o.K)
	copy(c.Bias, o.Bias)
	copy(c.Chol, o.Chol)
}

// CopyStep makes step t of c equal to that of o, which must have the same sizes.
func (c *Controller) CopyStep(o *Controller, t int) {
	if c.T != o.T || c.DX != o.DX || c.DU != o.DU {
		panic(fmt.Sprintf("lqg: copy of a step of a controller of T=%d dX=%d dU=%d into one of T=%d dX=%d dU=%d", o.T, o.DX, o.DU, c.T, c.DX, c.DU))
	}
	copy(c.Gain(t), o.Gain(t))
	copy(c.BiasAt(t), o.BiasAt(t))
	copy(c.CholAt(t), o.CholAt(t))
}

// Validate returns an error that names the time step if the arrays do not have the
// lengths that T, dX and dU ask for, an entry is not finite (ErrNotFinite), or a
// covariance factor has a diagonal entry that is not positive, or a condition number above
// 1e14 when its rows are scaled to 1 (ErrIndefinite): actions so correlated that doubles do
// not hold their KL divergence. The scales of the actions may differ at will.
func (c *Controller) Validate() error {
	if c.T < 1 || c.DX < 1 || c.DU < 1 || len(c.K) != c.T*c.DU*c.DX || len(c.Bias) != c.T*c.DU || len(c.Chol) != c.T*c.DU*c.DU {
		return fmt.Errorf("lqg: controller of T=%d dX=%d dU=%d needs gains, biases and factors of %d, %d and %d numbers, got %d, %d and %d",
			c.T, c.DX, c.DU, c.T*c.DU*c.DX, c.T*c.DU, c.T*c.DU*c.DU, len(c.K), len(c.Bias), len(c.Chol))
	}
	for _, part := range []struct {
		name string
		data []float64
	}{{"gain", c.K}, {"bias", c.Bias}, {"covariance factor", c.Chol}} {
		if i := dense.FirstNotFinite(part.data); i >= 0 {
			return fmt.Errorf("%w: controller's %s at time step %d is %v", ErrNotFinite, part.name, i*c.T/len(part.data), part.data[i])
		}
	}
	var few [16]float64
	sums := few[:]
	if c.DU > len(few) {
		sums = make([]float64, c.DU)
	}
	for t := range c.T {
		l := c.CholAt(t)
		for i := range c.DU {
			if !(l[i*c.DU+i] > 0) {
				return fmt.Errorf("%w: controller's covariance factor at time step %d has %v on its diagonal (row %d)", ErrIndefinite, t, l[i*c.DU+i], i)
			}
		}
		if wellConditioned(l, sums, c.DU) {
			continue
		}
		if v := factorCondition(l, make([]float64, c.DU*c.DU), c.DU); !(v <= maxFactorCondition) {
			return fmt.Errorf("%w in double precision: controller's covariance factor at time step %d has condition number %.3g with its rows scaled to 1, need at most %.3g: its actions are so correlated that KL divergences from it have no true digit; correlate them less, or add a variance (a covariance floor) to every action", ErrIndefinite, t, v, maxFactorCondition)
		}
	}
	return nil
}

// Dynamics is a time-varying linear-Gaussian model x_{t+1} ~ N(F_t [x_t; u_t] + f_t, S_t).
type Dynamics struct {
	T, DX, DU int
	// F holds the transition matrices, T x dX x (dX+dU).
	F []float64
	// Bias holds f_t, T x dX, in the state's units.
	Bias []float64
	// Cov holds the process noise covariances S_t, T x dX x dX.
	Cov []float64
}

// NewDynamics returns a model of zeros.
func NewDynamics(T, dX, dU int) *Dynamics {
	checkSizes(T, dX, dU)
	return &Dynamics{T: T, DX: dX, DU: dU,
		F: make([]float64, T*dX*(dX+dU)), Bias: make([]float64, T*dX), Cov: make([]float64, T*dX*dX)}
}

// FAt returns F_t, dX x (dX+dU).
func (d *Dynamics) FAt(t int) []float64 { return block(d.F, t, d.DX*(d.DX+d.DU)) }

// BiasAt returns f_t, dX.
func (d *Dynamics) BiasAt(t int) []float64 { return block(d.Bias, t, d.DX) }

// CovAt returns S_t, dX x dX.
func (d *Dynamics) CovAt(t int) []float64 { return block(d.Cov, t, d.DX*d.DX) }

// Cost is a time-varying quadratic cost 1/2 y'Q_t y + q_t'y + c_t, t = 0..T. The action
// rows and columns of the last entry are zero.
type Cost struct {
	T, DX, DU int
	// Quad holds Q_t, (T+1) x D x D with D = dX+dU.
	Quad []float64
	// Lin holds q_t, (T+1) x D.
	Lin []float64
	// Const holds c_t, T+1.
	Const []float64
}

// NewCost returns a cost of zeros.
func NewCost(T, dX, dU int) *Cost {
	checkSizes(T, dX, dU)
	d := dX + dU
	return &Cost{T: T, DX: dX, DU: dU,
		Quad: make([]float64, (T+1)*d*d), Lin: make([]float64, (T+1)*d), Const: make([]float64, T+1)}
}

// QuadAt returns Q_t, D x D.
func (c *Cost) QuadAt(t int) []float64 { return block(c.Quad, t, (c.DX+c.DU)*(c.DX+c.DU)) }

// LinAt returns q_t, D.
func (c *Cost) LinAt(t int) []float64 { return block(c.Lin, t, c.DX+c.DU) }

// Clone returns a deep copy.
func (c *Cost) Clone() *Cost {
	return &Cost{T: c.T, DX: c.DX, DU: c.DU, Quad: slices.Clone(c.Quad), Lin: slices.Clone(c.Lin), Const: slices.Clone(c.Const)}
}

// InitialState is the Gaussian distribution of x_0.
type InitialState struct {
	// Mean is dX, Cov is dX x dX.
	Mean, Cov []float64
}

// Trajectory holds the marginals N(mu_t, Sigma_t) of y_t for t = 0..T; the action part
// of the last entry is zero.
type Trajectory struct {
	T, DX, DU int
	// Mean is (T+1) x D, Cov is (T+1) x D x D.
	Mean, Cov []float64
}

// NewTrajectory returns marginals of zeros.
func NewTrajectory(T, dX, dU int) *Trajectory {
	checkSizes(T, dX, dU)
	d := dX + dU
	return &Trajectory{T: T, DX: dX, DU: dU, Mean: make([]float64, (T+1)*d), Cov: make([]float64, (T+1)*d*d)}
}

// MeanAt returns mu_t, D.
func (m *Trajectory) MeanAt(t int) []float64 { return block(m.Mean, t, m.DX+m.DU) }

// CovAt returns Sigma_t, D x D.
func (m *Trajectory) CovAt(t int) []float64 { return block(m.Cov, t, (m.DX+m.DU)*(m.DX+m.DU)) }

func checkSizes(T, dX, dU int) {
	if T < 1 || dX < 1 || dU < 1 {
		panic(fmt.Sprintf("lqg: need T, dX, dU >= 1, got T=%d dX=%d dU=%d", T, dX, dU))
	}
}

func block(a []float64, t, size int) []float64 { return a[t*size : (t+1)*size : (t+1)*size] }
