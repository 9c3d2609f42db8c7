package safety

import (
	"math"
	"strconv"

	"guidedpolicysearch/hardware/kinematics"
)

// pointBias is an end effector that knows the accelerations of its points at joint
// accelerations of zero, dJ/dt q', in m/s^2.
type pointBias interface {
	PointBias(dst, q, dq []float64)
}

// workspace holds the points of the end effector against their box.
type workspace struct {
	arm          kinematics.EndEffector
	exact        pointBias // nil: by differences
	lower, upper []float64 // m, per coordinate of all points
	names        []string
	zone, margin float64
	stiffness    float64
	damping      float64

	points, velocities, jacobian, bias []float64 // m, m, m x n, m
	shifted, other                     []float64
}

// newWorkspace returns nil where the settings have no box. They have been validated.
func newWorkspace(c *Config, r *Robot) *workspace {
	d := max(len(c.WorkspaceLower), len(c.WorkspaceUpper))
	if d == 0 {
		return nil
	}
	n, m := r.EndEffector.Dims()
	vec := func() []float64 { return make([]float64, m) }
	w := &workspace{arm: r.EndEffector, lower: vec(), upper: vec(), names: make([]string, m), zone: c.WorkspaceZone, margin: c.WorkspaceMargin,
		stiffness: c.WorkspaceStiffness, damping: c.WorkspaceDamping,
		points: vec(), velocities: vec(), jacobian: make([]float64, m*n), bias: vec(), shifted: make([]float64, n), other: vec()}
	w.exact, _ = r.EndEffector.(pointBias)
	for i := range m {
		w.lower[i], w.upper[i] = math.Inf(-1), math.Inf(1)
		if len(c.WorkspaceLower) > 0 {
			w.lower[i] = c.WorkspaceLower[i%d]
		}
		if len(c.WorkspaceUpper) > 0 {
			w.upper[i] = c.WorkspaceUpper[i%d]
		}
		w.names[i] = pointName(i, d)
	}
	return w
}

// pointName names a coordinate of a point, of d coordinates each: "z of point 2".
func pointName(i, d int) string {
	return string("xyz"[i%d]) + " of point " + strconv.Itoa(i/d+1)
}

// compute evaluates points, velocities and Jacobian. It names what is not finite.
func (w *workspace) compute(q, dq []float64) (name string, value float64) {
	w.arm.Points(w.points, q)
	w.arm.Velocities(w.velocities, q, dq)
	w.arm.Jacobian(w.jacobian, q)
	for i := range w.points {
		for _, v := range [2]float64{w.points[i], w.velocities[i]} {
			if v-v != 0 {
				return w.names[i], v
			}
		}
	}
	for _, v := range w.jacobian {
		if v-v != 0 {
			return "end effector's Jacobian", v
		}
	}
	return "", 0
}

// accelerate computes the points' accelerations at joint accelerations of zero. It says false
// where they are not finite.
func (w *workspace) accelerate(q, dq []float64) bool {
	if w.exact != nil {
		w.exact.PointBias(w.bias, q, dq)
	} else {
		const h = 1e-5 // s, along the motion
		for i := range q {
			w.shifted[i] = q[i] + h*dq[i]
		}
		w.arm.Velocities(w.bias, w.shifted, dq)
		for i := range q {
			w.shifted[i] = q[i] - h*dq[i]
		}
		w.arm.Velocities(w.other, w.shifted, dq)
		for i, v := range w.other {
			w.bias[i] = (w.bias[i] - v) / (2 * h)
		}
	}
	for _, v := range w.bias {
		if v-v != 0 {
			return false
		}
	}
	return true
}

// check returns a fault if a point is out of the box by more than the margin.
func (w *workspace) check() Fault {
	for i, x := range w.points {
		if x > w.upper[i]+w.margin {
			return Fault{Kind: Workspace, Joint: i, Name: w.names[i], Value: x, Bound: w.upper[i]}
		}
		if x < w.lower[i]-w.margin {
			return Fault{Kind: Workspace, Joint: i, Name: w.names[i], Value: x, Bound: w.lower[i]}
		}
	}
	return Fault{}
}

// push adds to the torques, n, what a spring and a damper give at each point that is in the
// soft wall, or is there before late s have passed, through the Jacobian's transpose. It says if
// there is one.
func (w *workspace) push(torque []float64, late float64) bool {
	any := false
	n := len(torque)
	for i, x := range w.points {
		speed := w.velocities[i]
		side, depth := 1.0, x+max(0, speed)*late-(w.upper[i]-w.zone)
		if low := w.lower[i] + w.zone - x - min(0, speed)*late; low > depth {
			side, depth = -1, low
		}
		if !(depth > 0) {
			continue
		}
		any = true
		force := -side * (w.stiffness*depth + w.damping*max(0, side*speed)*min(1, depth/w.zone))
		for j := range torque {
			torque[j] = min(max(torque[j]+w.jacobian[i*n+j]*force, -largest), largest)
		}
	}
	return any
}
