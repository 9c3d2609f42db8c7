package kinematics

import (
	"fmt"
	"math"
)

// PlanarConfig describes a chain of links in the x-y plane.
type PlanarConfig struct {
	// Lengths of the N links in m, > 0; N is 1 to 64. Default 0.5, 0.5.
	Lengths []float64
	// Coordinates of the tip: 2 for (x, y), 3 for (x, y, 0). Default 3.
	Coordinates int
}

// DefaultPlanarConfig returns the two-link arm of the baseline task.
func DefaultPlanarConfig() PlanarConfig {
	return PlanarConfig{Lengths: []float64{0.5, 0.5}, Coordinates: 3}
}

// Validate returns an error wrapping ErrConfig that names key, value and what was expected.
func (c PlanarConfig) Validate() error {
	if len(c.Lengths) < 1 || len(c.Lengths) > maxJoints {
		return fmt.Errorf("%w: lengths has %d elements, want 1 to %d, one per link", ErrConfig, len(c.Lengths), maxJoints)
	}
	for i, l := range c.Lengths {
		if !(l > 0 && l <= largest) {
			return fmt.Errorf("%w: lengths[%d] is %v, want a number > 0 and at most %g in m", ErrConfig, i, l, largest)
		}
	}
	if c.Coordinates != 2 && c.Coordinates != 3 {
		return fmt.Errorf("%w: coordinates is %d, want 2 or 3", ErrConfig, c.Coordinates)
	}
	return nil
}

// Planar is a chain of links in the x-y plane with one end-effector point, the tip of
// the last link. Angles are counter-clockwise, the first from +x, the others relative
// to the link before.
type Planar struct {
	lengths []float64
	coords  int
}

// NewPlanar returns the chain, or the error of c.Validate.
func NewPlanar(c PlanarConfig) (*Planar, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &Planar{lengths: append([]float64(nil), c.Lengths...), coords: c.Coordinates}, nil
}

// Dims returns the number of joints N and of point coordinates, 2 or 3.
func (p *Planar) Dims() (joints, coordinates int) { return len(p.lengths), p.coords }

// Points writes the tip, coordinates, at joint angles q, N.
func (p *Planar) Points(dst, q []float64) {
	checkLen("points", dst, p.coords)
	checkLen("joint angles", q, len(p.lengths))
	x, y, angle := 0.0, 0.0, 0.0
	for i, l := range p.lengths {
		angle += q[i]
		sin, cos := math.Sincos(angle)
		x += l * cos
		y += l * sin
	}
	dst[0], dst[1] = x, y
	clear(dst[2:])
}

// Velocities writes the velocity of the tip, coordinates, at joint angles q and joint
// velocities dq, N each.
func (p *Planar) Velocities(dst, q, dq []float64) {
	checkLen("velocities", dst, p.coords)
	checkLen("joint angles", q, len(p.lengths))
	checkLen("joint velocities", dq, len(p.lengths))
	vx, vy, angle, rate := 0.0, 0.0, 0.0, 0.0
	for i, l := range p.lengths {
		angle += q[i]
		rate += dq[i]
		sin, cos := math.Sincos(angle)
		vx -= l * sin * rate
		vy += l * cos * rate
	}
	dst[0], dst[1] = vx, vy
	clear(dst[2:])
}

// Jacobian writes the derivatives of the tip by the joint angles, coordinates x N,
// row-major: column j is the tip's velocity at unit velocity of joint j.
func (p *Planar) Jacobian(dst, q []float64) {
	n := len(p.lengths)
	checkLen("Jacobian", dst, p.coords*n)
	checkLen("joint angles", q, n)
	clear(dst)
	angle := 0.0
	for i, l := range p.lengths {
		angle += q[i]
		sin, cos := math.Sincos(angle)
		for j := range i + 1 {
			dst[j] -= l * sin
			dst[n+j] += l * cos
		}
	}
}
