package sim

import "math"

// PendulumConfig describes a pendulum: a uniform rod on a driven hinge.
type PendulumConfig struct {
	// Joints holds the joint's name; default joint1.
	Joints []string
	// Mass of the rod in kg, > 0. Default 1.
	Mass float64
	// Length of the rod in m, > 0. Default 1.
	Length float64
	// Damping of the hinge in N m s/rad, >= 0. Default 0.
	Damping float64
	// Gravity in m/s^2, downwards. Default 10, as in the usual swing-up task.
	Gravity float64
}

// DefaultPendulumConfig returns the pendulum of the usual swing-up task.
func DefaultPendulumConfig() PendulumConfig {
	return PendulumConfig{Mass: 1, Length: 1, Gravity: 10}
}

// Validate returns an error wrapping ErrConfig that names key, value and what was expected.
func (c PendulumConfig) Validate() error {
	return first(
		checkNames(c.Joints, 1),
		positive("mass", c.Mass, "kg"),
		positive("length", c.Length, "m"),
		notNegative("damping", c.Damping, "N m s/rad"),
		moderate("gravity", c.Gravity, "m/s^2"))
}

// Pendulum is a uniform rod on a hinge; q = 0 points up, u is the torque in N m:
//
//	(m l^2/3) q'' = u - b q' + (m g l/2) sin q
type Pendulum struct {
	names                    []string
	inertia, weight, damping float64
}

// NewPendulum returns the plant, or the error of c.Validate.
func NewPendulum(c PendulumConfig) (*Pendulum, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &Pendulum{names: jointNames(c.Joints, 1), inertia: c.Mass * c.Length * c.Length / 3,
		weight: c.Mass * c.Gravity * c.Length / 2, damping: c.Damping}, nil
}

// JointNames returns the joint's name.
func (p *Pendulum) JointNames() []string { return p.names }

// Dims returns 1 position and 1 action.
func (p *Pendulum) Dims() (nQ, nU int) { return 1, 1 }

// Accelerations writes q”, 1.
func (p *Pendulum) Accelerations(dst, q, dq, u []float64) {
	checkMotion(1, 1, dst, q, dq, "actions", u, 1)
	dst[0] = (u[0] - p.damping*dq[0] + p.weight*math.Sin(q[0])) / p.inertia
}

// AccelerationDerivatives writes the derivatives of q” by [q; q'; u], 1 x 3.
func (p *Pendulum) AccelerationDerivatives(dst, q, dq, u []float64) {
	checkMotion(1, 3, dst, q, dq, "actions", u, 1)
	dst[0], dst[1], dst[2] = p.weight*math.Cos(q[0])/p.inertia, -p.damping/p.inertia, 1/p.inertia
}
