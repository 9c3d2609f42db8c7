package sim

import (
	"fmt"
	"math"
)

// PlanarArmConfig describes an arm of uniform rods in a vertical or horizontal plane.
type PlanarArmConfig struct {
	// Joints holds the joint names; default joint1 .. jointN.
	Joints []string
	// Lengths of the N links in m, > 0; N is 1 to 64. Default 0.5, 0.5.
	Lengths []float64
	// Masses of the links in kg, > 0, N. Default 1, 1.
	Masses []float64
	// Damping of the joints in N m s/rad, >= 0, N. Default 0.5, 0.5.
	Damping []float64
	// Gravity along -y in m/s^2: 9.81 for a vertical plane, 0 for a horizontal one.
	// Default 0.
	Gravity float64
}

const maxLinks = 64

// DefaultPlanarArmConfig returns the two-link arm of the baseline task, in a
// horizontal plane.
func DefaultPlanarArmConfig() PlanarArmConfig {
	return PlanarArmConfig{Lengths: []float64{0.5, 0.5}, Masses: []float64{1, 1}, Damping: []float64{0.5, 0.5}}
}

// Validate returns an error wrapping ErrConfig that names key, value and what was expected.
func (c PlanarArmConfig) Validate() error {
	n := len(c.Lengths)
	if n < 1 || n > maxLinks {
		return fmt.Errorf("%w: lengths has %d elements, want 1 to %d, one per link", ErrConfig, n, maxLinks)
	}
	return first(
		checkNames(c.Joints, n),
		each("lengths", c.Lengths, n, "m", positive),
		each("masses", c.Masses, n, "kg", positive),
		each("damping", c.Damping, n, "N m s/rad", notNegative),
		moderate("gravity", c.Gravity, "m/s^2"))
}

// PlanarArm is a serial arm of N uniform rods with a torque in every joint. Angles are
// in rad, counter-clockwise; q1 from +x, the others relative to the link before.
//
// The equations are written in absolute angles th_i = q_1 + ... + q_i, where the
// Lagrangian of the chain has constant coefficients: with m_i, l_i, c_i = l_i/2,
// J_i = m_i l_i^2/12 and M_i the mass beyond link i,
//
//	A_ii = J_i + m_i c_i^2 + M_i l_i^2,   A_ij = l_i (m_j c_j + M_j l_j)  (i < j)
//	sum_j A_ij (cos(th_i-th_j) th_j'' + sin(th_i-th_j) th_j'^2)
//	    = tau_i - tau_{i+1} - g (m_i c_i + M_i l_i) cos th_i,   tau = u - b q'
//
// and q_i” = th_i” - th_{i-1}”.
type PlanarArm struct {
	names    []string
	n        int
	coupling []float64 // A, n x n, symmetric
	weight   []float64 // g (m_i c_i + M_i l_i), n
	damping  []float64
	// Workspace.
	sin, cos, rate, rhs []float64 // n
	chol                []float64 // n x n, lower
}

// NewPlanarArm returns the plant, or the error of c.Validate, or one wrapping ErrConfig for
// links so unequal that the inertia matrix is singular to working precision.
func NewPlanarArm(c PlanarArmConfig) (*PlanarArm, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	n := len(c.Lengths)
	vec := func() []float64 { return make([]float64, n) }
	a := &PlanarArm{names: jointNames(c.Joints, n), n: n, coupling: make([]float64, n*n), weight: vec(),
		damping: append([]float64(nil), c.Damping...), sin: vec(), cos: vec(), rate: vec(), rhs: vec(), chol: make([]float64, n*n)}
	beyond := 0.0
	for i := n - 1; i >= 0; i-- {
		m, l := c.Masses[i], c.Lengths[i]
		moment := m*l/2 + beyond*l // first moment about the link's own joint
		a.coupling[i*n+i] = m*l*l/3 + beyond*l*l
		a.weight[i] = c.Gravity * moment
		for j := 0; j < i; j++ {
			a.coupling[j*n+i] = c.Lengths[j] * moment
			a.coupling[i*n+j] = a.coupling[j*n+i]
		}
		beyond += m
	}
	if err := a.checkInertia(); err != nil {
		return nil, err
	}
	return a, nil
}

// checkInertia returns an error where the inertia matrix is singular to the precision of the
// numbers. It is A at the straight arm, and nowhere nearer to singular: elsewhere it is the
// elementwise product of A and a correlation matrix (Schur's product theorem).
func (a *PlanarArm) checkInertia() error {
	const smallest = 1e-10 // of the diagonal; rounding errors are n^2 eps at most
	copy(a.chol, a.coupling)
	solveCholesky(a.chol, a.rhs, a.n)
	for i := range a.n {
		pivot := a.chol[i*a.n+i]
		if part := pivot * pivot / a.coupling[i*a.n+i]; !(part >= smallest) {
			return fmt.Errorf("%w: masses and lengths give an inertia matrix that is singular to working precision: its pivot at link %d is %.2g of the diagonal, want at least %g: links that differ less",
				ErrConfig, i+1, part, smallest)
		}
	}
	return nil
}

// JointNames returns the N names.
func (a *PlanarArm) JointNames() []string { return a.names }

// Dims returns N positions and N actions.
func (a *PlanarArm) Dims() (nQ, nU int) { return a.n, a.n }

// Accelerations writes q”, N, in rad/s^2.
func (a *PlanarArm) Accelerations(dst, q, dq, u []float64) {
	checkMotion(a.n, a.n, dst, q, dq, "actions", u, a.n)
	n := a.n
	angle, rate := 0.0, 0.0
	for i := range n {
		angle += q[i]
		rate += dq[i]
		a.sin[i], a.cos[i] = math.Sincos(angle)
		a.rate[i] = rate
	}
	for i := range n {
		r := u[i] - a.damping[i]*dq[i] - a.weight[i]*a.cos[i]
		if i+1 < n {
			r -= u[i+1] - a.damping[i+1]*dq[i+1]
		}
		for j := range n {
			// sin and cos of th_i - th_j.
			k := a.coupling[i*n+j]
			r -= k * (a.sin[i]*a.cos[j] - a.cos[i]*a.sin[j]) * a.rate[j] * a.rate[j]
			if j <= i {
				a.chol[i*n+j] = k * (a.cos[i]*a.cos[j] + a.sin[i]*a.sin[j])
			}
		}
		a.rhs[i] = r
	}
	solveCholesky(a.chol, a.rhs, n)
	dst[0] = a.rhs[0]
	for i := 1; i < n; i++ {
		dst[i] = a.rhs[i] - a.rhs[i-1]
	}
}

// solveCholesky solves A x = b in place for a positive definite A, n x n, of which it
// reads the lower triangle and overwrites it with the factor. b becomes x.
func solveCholesky(a, b []float64, n int) {
	for i := range n {
		for j := range i + 1 {
			s := a[i*n+j]
			for k := range j {
				s -= a[i*n+k] * a[j*n+k]
			}
			if i == j {
				a[i*n+i] = math.Sqrt(s)
			} else {
				a[i*n+j] = s / a[j*n+j]
			}
		}
	}
	for i := range n {
		for k := range i {
			b[i] -= a[i*n+k] * b[k]
		}
		b[i] /= a[i*n+i]
	}
	for i := n - 1; i >= 0; i-- {
		for k := i + 1; k < n; k++ {
			b[i] -= a[k*n+i] * b[k]
		}
		b[i] /= a[i*n+i]
	}
}
