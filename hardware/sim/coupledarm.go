package sim

import (
	"fmt"
	"math"
)

// CoupledArmConfig describes joints of their own inertia that one rank-one term couples.
type CoupledArmConfig struct {
	// Joints holds the joint names; default joint1 .. jointN.
	Joints []string
	// Inertias I of the N joints in kg m^2, > 0; N is 1 to 64.
	// Default 1, 0.8, 0.5, 0.4, 0.2, 0.15, 0.1.
	Inertias []float64
	// Coupling is the weight of the rank-one term, >= 0. Default 0.5.
	Coupling float64
	// Damping is per unit of inertia, in 1/s, >= 0. Default 0.5.
	Damping float64
	// Restoring is the restoring torque per unit of inertia, in 1/s^2. Default 0.2.
	Restoring float64
}

// DefaultCoupledArmConfig returns the seven-joint arm of the timing task.
func DefaultCoupledArmConfig() CoupledArmConfig {
	return CoupledArmConfig{Inertias: []float64{1, 0.8, 0.5, 0.4, 0.2, 0.15, 0.1}, Coupling: 0.5, Damping: 0.5, Restoring: 0.2}
}

// CoupledArmIntegration returns the integration that the timing task is defined with.
func CoupledArmIntegration() Config {
	return Config{TimeStep: 0.05, Substeps: 5, Integrator: SemiImplicitEuler}
}

// Validate returns an error wrapping ErrConfig that names key, value and what was expected.
func (c CoupledArmConfig) Validate() error {
	n := len(c.Inertias)
	if n < 1 || n > maxLinks {
		return fmt.Errorf("%w: inertias has %d elements, want 1 to %d, one per joint", ErrConfig, n, maxLinks)
	}
	return first(
		checkNames(c.Joints, n),
		each("inertias", c.Inertias, n, "kg m^2", positive),
		notNegative("coupling", c.Coupling, "1"),
		notNegative("damping", c.Damping, "1/s"),
		moderate("restoring", c.Restoring, "1/s^2"))
}

// CoupledArm stands for an arm of many joints where size and time matter, not the
// mechanics (it has no Coriolis terms and conserves no energy): with I the diagonal
// inertia and c_i = cos(q_1 + ... + q_i) sqrt(I_i),
//
//	(I + coupling c c') q'' = u - damping I q' - restoring I sin q
type CoupledArm struct {
	names                        []string
	inertia, root                []float64 // I and sqrt(I), n
	coupling, damping, restoring float64
}

// NewCoupledArm returns the plant, or the error of c.Validate.
func NewCoupledArm(c CoupledArmConfig) (*CoupledArm, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	a := &CoupledArm{names: jointNames(c.Joints, len(c.Inertias)), inertia: append([]float64(nil), c.Inertias...),
		root: make([]float64, len(c.Inertias)), coupling: c.Coupling, damping: c.Damping, restoring: c.Restoring}
	for i, v := range a.inertia {
		a.root[i] = math.Sqrt(v)
	}
	return a, nil
}

// JointNames returns the N names.
func (a *CoupledArm) JointNames() []string { return a.names }

// Dims returns N positions and N actions.
func (a *CoupledArm) Dims() (nQ, nU int) { return len(a.inertia), len(a.inertia) }

// Accelerations writes q”, N, in rad/s^2. The rank-one term is inverted by the
// Sherman-Morrison formula; c' I^-1 c is the sum of the squared cosines.
func (a *CoupledArm) Accelerations(dst, q, dq, u []float64) {
	checkMotion(len(a.inertia), len(a.inertia), dst, q, dq, "actions", u, len(a.inertia))
	angle, square, along := 0.0, 0.0, 0.0
	for i, inertia := range a.inertia {
		angle += q[i]
		cos := math.Cos(angle)
		dst[i] = u[i]/inertia - a.damping*dq[i] - a.restoring*math.Sin(q[i])
		square += cos * cos
		along += cos * a.root[i] * dst[i]
	}
	factor := a.coupling * along / (1 + a.coupling*square)
	angle = 0
	for i := range dst {
		angle += q[i]
		dst[i] -= factor * math.Cos(angle) / a.root[i]
	}
}
