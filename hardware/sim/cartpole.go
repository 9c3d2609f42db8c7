package sim

import "math"

// CartPoleConfig describes a cart on a rail with a uniform pole on a free hinge.
type CartPoleConfig struct {
	// Joints holds the names of cart and pole; default joint1, joint2.
	Joints []string
	// CartMass and PoleMass in kg, > 0. Default 1 and 0.1.
	CartMass, PoleMass float64
	// PoleLength in m, > 0. Default 1.
	PoleLength float64
	// CartDamping in N s/m and PoleDamping in N m s/rad, >= 0. Default 0.
	CartDamping, PoleDamping float64
	// Gravity in m/s^2, downwards. Default 9.81.
	Gravity float64
}

// DefaultCartPoleConfig returns the usual proportions: a 1 m pole of a tenth of the
// cart's mass.
func DefaultCartPoleConfig() CartPoleConfig {
	return CartPoleConfig{CartMass: 1, PoleMass: 0.1, PoleLength: 1, Gravity: 9.81}
}

// Validate returns an error wrapping ErrConfig that names key, value and what was expected.
func (c CartPoleConfig) Validate() error {
	return first(
		checkNames(c.Joints, 2),
		positive("cart_mass", c.CartMass, "kg"),
		positive("pole_mass", c.PoleMass, "kg"),
		positive("pole_length", c.PoleLength, "m"),
		notNegative("cart_damping", c.CartDamping, "N s/m"),
		notNegative("pole_damping", c.PoleDamping, "N m s/rad"),
		moderate("gravity", c.Gravity, "m/s^2"))
}

// CartPole has positions q = (cart in m, pole in rad) and one action, the force on the
// cart in N. The pole points up at 0 and leans towards +cart at positive angles. With
// M, m the masses, c half the pole's length and J = m c^2/3 its central inertia:
//
//	[M+m, m c cos q2; m c cos q2, J + m c^2] q'' =
//	    [u - bc q1' + m c sin q2 q2'^2; -bp q2' + m g c sin q2]
type CartPole struct {
	names                      []string
	total, moment, inertia     float64 // M+m, m c, J + m c^2
	gravity, cartDamp, poleDmp float64
}

// NewCartPole returns the plant, or the error of c.Validate.
func NewCartPole(c CartPoleConfig) (*CartPole, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	half := c.PoleLength / 2
	return &CartPole{names: jointNames(c.Joints, 2), total: c.CartMass + c.PoleMass, moment: c.PoleMass * half,
		inertia: c.PoleMass * half * half * 4 / 3, gravity: c.Gravity, cartDamp: c.CartDamping, poleDmp: c.PoleDamping}, nil
}

// JointNames returns the names of cart and pole.
func (p *CartPole) JointNames() []string { return p.names }

// Dims returns 2 positions and 1 action.
func (p *CartPole) Dims() (nQ, nU int) { return 2, 1 }

// Accelerations writes (cart in m/s^2, pole in rad/s^2), 2.
func (p *CartPole) Accelerations(dst, q, dq, u []float64) {
	checkMotion(2, 2, dst, q, dq, "actions", u, 1)
	sin, cos := math.Sincos(q[1])
	coupling := p.moment * cos
	force := u[0] - p.cartDamp*dq[0] + p.moment*sin*dq[1]*dq[1]
	torque := -p.poleDmp*dq[1] + p.moment*p.gravity*sin
	det := p.total*p.inertia - coupling*coupling
	dst[0] = (p.inertia*force - coupling*torque) / det
	dst[1] = (p.total*torque - coupling*force) / det
}

// AccelerationDerivatives writes the derivatives of (cart, pole) by [q; q'; u], 2 x 5: with
// M q” = r, they solve M d(q”) = dr - dM q”.
func (p *CartPole) AccelerationDerivatives(dst, q, dq, u []float64) {
	checkMotion(2, 10, dst, q, dq, "actions", u, 1)
	var a [2]float64
	p.Accelerations(a[:], q, dq, u)
	sin, cos := math.Sincos(q[1])
	coupling := p.moment * cos
	det := p.total*p.inertia - coupling*coupling
	solve := func(column int, force, torque float64) {
		dst[column] = (p.inertia*force - coupling*torque) / det
		dst[5+column] = (p.total*torque - coupling*force) / det
	}
	// By the pole's angle M changes too: its coupling by -m c sin q2.
	solve(0, 0, 0)
	solve(1, p.moment*(cos*dq[1]*dq[1]+sin*a[1]), p.moment*(p.gravity*cos+sin*a[0]))
	solve(2, -p.cartDamp, 0)
	solve(3, 2*p.moment*sin*dq[1], -p.poleDmp)
	solve(4, 1, 0)
}
