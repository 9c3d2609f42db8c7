package sim

// PointMassConfig describes a point mass that slides in a horizontal plane.
type PointMassConfig struct {
	// Joints holds the names of the two axes; default joint1, joint2.
	Joints []string
	// Mass in kg, > 0. Default 1.
	Mass float64
	// Damping in N s/m, >= 0. Default 0.
	Damping float64
}

// DefaultPointMassConfig returns 1 kg without friction.
func DefaultPointMassConfig() PointMassConfig { return PointMassConfig{Mass: 1} }

// Validate returns an error wrapping ErrConfig that names key, value and what was expected.
func (c PointMassConfig) Validate() error {
	return first(
		checkNames(c.Joints, 2),
		positive("mass", c.Mass, "kg"),
		notNegative("damping", c.Damping, "N s/m"))
}

// PointMass has positions (x, y) in m and forces u = (fx, fy) in N: m q” = u - b q'.
type PointMass struct {
	names         []string
	mass, damping float64
}

// NewPointMass returns the plant, or the error of c.Validate.
func NewPointMass(c PointMassConfig) (*PointMass, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &PointMass{names: jointNames(c.Joints, 2), mass: c.Mass, damping: c.Damping}, nil
}

// JointNames returns the names of the axes.
func (p *PointMass) JointNames() []string { return p.names }

// Dims returns 2 positions and 2 actions.
func (p *PointMass) Dims() (nQ, nU int) { return 2, 2 }

// Accelerations writes (x”, y”) in m/s^2, 2.
func (p *PointMass) Accelerations(dst, q, dq, u []float64) {
	checkMotion(2, 2, dst, q, dq, "actions", u, 2)
	for i := range dst {
		dst[i] = (u[i] - p.damping*dq[i]) / p.mass
	}
}
