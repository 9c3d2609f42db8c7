package kinematics

import (
	"fmt"
	"math"
)

// Joint is a hinge of a serial chain.
type Joint struct {
	// Axis of rotation in the joint's frame; any length but zero.
	Axis [3]float64
	// Shift from this joint to the next (or to the last frame), in m, in the frame
	// that turns with the joint.
	Shift [3]float64
}

// SerialConfig describes a serial chain of hinges in space.
type SerialConfig struct {
	// Joints from base to tip, 1 to 64.
	Joints []Joint
	// Tips are the end-effector points in the last frame, in m; 1 to 64.
	Tips [][3]float64
}

// DefaultSerialConfig returns the seven-joint arm of the timing task: axes
// z,y,z,y,z,y,z and two points beside the tip.
func DefaultSerialConfig() SerialConfig {
	var c SerialConfig
	for i, l := range []float64{0.1, 0.2, 0.2, 0.2, 0.15, 0.1, 0.05} {
		axis := [3]float64{0, 0, 1}
		if i%2 == 1 {
			axis = [3]float64{0, 1, 0}
		}
		c.Joints = append(c.Joints, Joint{Axis: axis, Shift: [3]float64{0, 0, l}})
	}
	c.Tips = [][3]float64{{0.05, 0, 0.1}, {-0.05, 0, 0.1}}
	return c
}

// Validate returns an error wrapping ErrConfig that names key, value and what was expected.
func (c SerialConfig) Validate() error {
	if len(c.Joints) < 1 || len(c.Joints) > maxJoints {
		return fmt.Errorf("%w: joints has %d elements, want 1 to %d", ErrConfig, len(c.Joints), maxJoints)
	}
	if len(c.Tips) < 1 || len(c.Tips) > maxJoints {
		return fmt.Errorf("%w: tips has %d elements, want 1 to %d", ErrConfig, len(c.Tips), maxJoints)
	}
	for i, j := range c.Joints {
		if length := norm(j.Axis); !moderate(j.Axis) || !(length > 1e-9) {
			return fmt.Errorf("%w: joints[%d].axis is %v, want a vector that is not zero, of numbers of at most %g", ErrConfig, i, j.Axis, largest)
		}
		if !moderate(j.Shift) {
			return fmt.Errorf("%w: joints[%d].shift is %v, want numbers of at most %g in m", ErrConfig, i, j.Shift, largest)
		}
	}
	for i, p := range c.Tips {
		if !moderate(p) {
			return fmt.Errorf("%w: tips[%d] is %v, want numbers of at most %g in m", ErrConfig, i, p, largest)
		}
	}
	return nil
}

// Serial is a serial chain of N hinges with P end-effector points on the last link.
// The first hinge is at the origin of the base frame.
type Serial struct {
	joints []Joint
	tips   [][3]float64
	// Workspace: where each hinge is and its axis, in the base frame, and the points.
	origins, axes [][3]float64
	points        [][3]float64
}

// NewSerial returns the chain, or the error of c.Validate.
func NewSerial(c SerialConfig) (*Serial, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	s := &Serial{joints: append([]Joint(nil), c.Joints...), tips: append([][3]float64(nil), c.Tips...),
		origins: make([][3]float64, len(c.Joints)), axes: make([][3]float64, len(c.Joints)), points: make([][3]float64, len(c.Tips))}
	for i := range s.joints {
		length := norm(s.joints[i].Axis)
		for k := range s.joints[i].Axis {
			s.joints[i].Axis[k] /= length
		}
	}
	return s, nil
}

// Dims returns the number of joints N and of point coordinates, 3 P.
func (s *Serial) Dims() (joints, coordinates int) { return len(s.joints), 3 * len(s.tips) }

// Points writes the points, 3 P, at joint angles q, N.
func (s *Serial) Points(dst, q []float64) {
	checkLen("points", dst, 3*len(s.tips))
	s.forward(q)
	for i, p := range s.points {
		copy(dst[3*i:], p[:])
	}
}

// Velocities writes the velocities of the points, 3 P, at joint angles q and joint
// velocities dq, N each.
func (s *Serial) Velocities(dst, q, dq []float64) {
	checkLen("velocities", dst, 3*len(s.tips))
	checkLen("joint velocities", dq, len(s.joints))
	s.forward(q)
	clear(dst)
	for i, p := range s.points {
		for j, rate := range dq {
			v := cross(s.axes[j], sub(p, s.origins[j]))
			for k := range v {
				dst[3*i+k] += v[k] * rate
			}
		}
	}
}

// Jacobian writes the derivatives of the points by the joint angles, 3 P x N,
// row-major: column j is axis_j x (point - origin_j).
func (s *Serial) Jacobian(dst, q []float64) {
	n := len(s.joints)
	checkLen("Jacobian", dst, 3*len(s.tips)*n)
	s.forward(q)
	for i, p := range s.points {
		for j := range s.joints {
			v := cross(s.axes[j], sub(p, s.origins[j]))
			for k := range v {
				dst[(3*i+k)*n+j] = v[k]
			}
		}
	}
}

// forward fills origins, axes and points.
func (s *Serial) forward(q []float64) {
	checkLen("joint angles", q, len(s.joints))
	rot := [3][3]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}
	var at [3]float64
	for i, j := range s.joints {
		s.origins[i] = at
		s.axes[i] = apply(&rot, j.Axis)
		rot = turn(&rot, j.Axis, q[i])
		at = add(at, apply(&rot, j.Shift))
	}
	for i, p := range s.tips {
		s.points[i] = add(at, apply(&rot, p))
	}
}

// turn returns r R(axis, angle), the rotation by Rodrigues' formula; axis has length 1.
func turn(r *[3][3]float64, axis [3]float64, angle float64) [3][3]float64 {
	sin, cos := math.Sincos(angle)
	x, y, z, v := axis[0], axis[1], axis[2], 1-cos
	m := [3][3]float64{
		{cos + x*x*v, x*y*v - z*sin, x*z*v + y*sin},
		{y*x*v + z*sin, cos + y*y*v, y*z*v - x*sin},
		{z*x*v - y*sin, z*y*v + x*sin, cos + z*z*v},
	}
	var out [3][3]float64
	for i := range out {
		for j := range out[i] {
			out[i][j] = r[i][0]*m[0][j] + r[i][1]*m[1][j] + r[i][2]*m[2][j]
		}
	}
	return out
}

func apply(r *[3][3]float64, v [3]float64) [3]float64 {
	var out [3]float64
	for i := range out {
		out[i] = r[i][0]*v[0] + r[i][1]*v[1] + r[i][2]*v[2]
	}
	return out
}

func add(a, b [3]float64) [3]float64 { return [3]float64{a[0] + b[0], a[1] + b[1], a[2] + b[2]} }
func sub(a, b [3]float64) [3]float64 { return [3]float64{a[0] - b[0], a[1] - b[1], a[2] - b[2]} }

func cross(a, b [3]float64) [3]float64 {
	return [3]float64{a[1]*b[2] - a[2]*b[1], a[2]*b[0] - a[0]*b[2], a[0]*b[1] - a[1]*b[0]}
}

func norm(a [3]float64) float64 { return math.Sqrt(a[0]*a[0] + a[1]*a[1] + a[2]*a[2]) }
