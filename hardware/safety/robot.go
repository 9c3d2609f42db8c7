package safety

import (
	"fmt"
	"math"
	"slices"

	"guidedpolicysearch/hardware/kinematics"
)

// Dynamics is the model of an arm of n driven joints,
//
//	M(q) q'' + b(q, q') = tau
//
// in canonical joint order. Its functions do not allocate and may own workspace.
type Dynamics interface {
	// MassMatrix writes M, n x n, row-major, in kg m^2.
	MassMatrix(dst, q []float64)
	// Bias writes b, n, in N m: Coriolis, centrifugal and gravity torques.
	Bias(dst, q, dq []float64)
	// Gravity writes the gravity torques, n, in N m.
	Gravity(dst, q []float64)
}

// friction is a model that knows the joints' friction.
type friction interface {
	// Friction writes the torques, n, in N m, that are needed against friction at joint
	// velocities dq; they are added to b.
	Friction(dst, dq []float64)
}

// Robot is what a filter knows of the robot. Lists have one entry per joint.
type Robot struct {
	Joints []string
	// EffortLimit is the largest torque, in N m, > 0.
	EffortLimit []float64
	// Lower, Upper and Velocity are the limits of the description in rad (or m) and rad/s:
	// infinite, or nil for all, where it has none. The settings may narrow them.
	Lower, Upper, Velocity []float64
	// Dynamics is the model of the arm, nil for none. With a method Friction(dst, dq []float64),
	// the torques needed against friction, it is counted in.
	Dynamics Dynamics
	// EndEffector gives the points that the workspace bounds, nil for none. With a method
	// PointBias(dst, q, dq []float64), the points' accelerations J' q' at joint accelerations
	// of zero, it is used; otherwise central differences of Velocities are.
	EndEffector kinematics.EndEffector
	// Compensate adds the gravity torque to every controller's: the arm does not do it itself.
	Compensate bool
	// Stiffness (N m/rad) and Damping (N m s/rad), >= 0, are the gains of the responses hold
	// and damp.
	Stiffness, Damping []float64
}

// maxJoints bounds the size of a robot; it is that of a state, not of a machine's memory.
const maxJoints = 64

// validate returns an error wrapping ErrConfig that names the list and the joint.
func (r *Robot) validate(c *Config) error {
	n := len(r.Joints)
	if n < 1 || n > maxJoints {
		return fmt.Errorf("%w: there are %d joints, need 1 to %d", ErrConfig, n, maxJoints)
	}
	gains := c.OnFault != OnFaultZero
	for _, list := range []struct {
		key      string
		values   []float64
		optional bool
		ok       func(v float64) bool
		need     string
	}{
		{"the robot's effort limit", r.EffortLimit, false, func(v float64) bool { return v > 0 && v <= largest }, "a finite number > 0"},
		{"the robot's lower limit", r.Lower, true, func(v float64) bool { return v < math.Inf(1) }, "a number, or -Inf for none"},
		{"the robot's upper limit", r.Upper, true, func(v float64) bool { return v > math.Inf(-1) }, "a number, or +Inf for none"},
		{"the robot's velocity limit", r.Velocity, true, func(v float64) bool { return v > 0 }, "a number > 0, or +Inf for none"},
		{"stiffness", r.Stiffness, !gains, notNegative, "a finite number >= 0"},
		{"damping", r.Damping, !gains, notNegative, "a finite number >= 0"},
		{"slew_limit", c.SlewLimit, true, nil, ""},
		{"position_lower", c.PositionLower, true, func(v float64) bool { return v < math.Inf(1) }, "a number, or -.inf for none"},
		{"position_upper", c.PositionUpper, true, func(v float64) bool { return v > math.Inf(-1) }, "a number, or .inf for none"},
		{"velocity_limit", c.VelocityLimit, true, nil, ""},
		{"wall_stiffness", c.WallStiffness, true, nil, ""},
		{"wall_damping", c.WallDamping, true, nil, ""},
		{"braking", c.Braking, true, nil, ""},
	} {
		if len(list.values) == 0 && list.optional {
			continue
		}
		if len(list.values) != n {
			return fmt.Errorf("%w: %s has %d entries, need %d, one per joint", ErrConfig, list.key, len(list.values), n)
		}
		for i, v := range list.values {
			if list.ok != nil && !list.ok(v) {
				return fmt.Errorf("%w: %s of joint %q is %v, need %s", ErrConfig, list.key, r.Joints[i], v, list.need)
			}
		}
	}
	switch {
	case r.Compensate && r.Dynamics == nil:
		return fmt.Errorf("%w: gravity is to be compensated, but there is no dynamics model: give a robot description with inertias, or let the arm compensate itself", ErrConfig)
	case c.Filter == FilterAlways && r.Dynamics == nil:
		return fmt.Errorf("%w: filter is %q, but there is no dynamics model: give a robot description with inertias, or use %q", ErrConfig, c.Filter, FilterAuto)
	}
	return r.validateWorkspace(c)
}

// largest bounds torques, so that their products with rates are finite.
const largest = 1e30

func notNegative(v float64) bool { return v >= 0 && v <= largest }

func (r *Robot) validateWorkspace(c *Config) error {
	if len(c.WorkspaceLower) == 0 && len(c.WorkspaceUpper) == 0 {
		return nil
	}
	if r.EndEffector == nil {
		return fmt.Errorf("%w: workspace_lower or workspace_upper is set, but the robot has no end-effector points: set robot.kinematics", ErrConfig)
	}
	joints, coordinates := r.EndEffector.Dims()
	if joints != len(r.Joints) {
		return fmt.Errorf("%w: the end effector has %d joints, need %d, as the robot has", ErrConfig, joints, len(r.Joints))
	}
	// Two entries would also fit the six coordinates of two points in space, and then bound z as if it
	// were x or y.
	size, axes := 3, "x, y and z"
	if coordinates == 2 {
		size, axes = 2, "x and y"
	}
	for _, list := range []struct {
		key    string
		values []float64
	}{{"workspace_lower", c.WorkspaceLower}, {"workspace_upper", c.WorkspaceUpper}} {
		d := len(list.values)
		if d == 0 {
			continue
		}
		if d != size || coordinates%d != 0 {
			return fmt.Errorf("%w: %s has %d entries, need %d: %s, the same for every point (infinities for no limit)", ErrConfig, list.key, d, size, axes)
		}
		if slices.ContainsFunc(list.values, math.IsNaN) {
			return fmt.Errorf("%w: %s is %v, need numbers, or infinities for no limit", ErrConfig, list.key, list.values)
		}
	}
	if d, e := len(c.WorkspaceLower), len(c.WorkspaceUpper); d != e && d != 0 && e != 0 {
		return fmt.Errorf("%w: workspace_lower has %d entries and workspace_upper %d, need as many in both", ErrConfig, d, e)
	}
	for i := range c.WorkspaceLower {
		if len(c.WorkspaceUpper) > 0 && !(c.WorkspaceLower[i] < c.WorkspaceUpper[i]) {
			return fmt.Errorf("%w: workspace_lower[%d] is %v and workspace_upper[%d] is %v, need a lower below its upper", ErrConfig, i, c.WorkspaceLower[i], i, c.WorkspaceUpper[i])
		}
	}
	return nil
}

// limits joins the description's limits with those of the settings: the narrower count.
func (r *Robot) limits(c *Config) (lower, upper, velocity []float64, err error) {
	pick := func(narrower func(a, b float64) float64, none float64, lists ...[]float64) []float64 {
		out := make([]float64, len(r.Joints))
		for i := range out {
			out[i] = none
			for _, list := range lists {
				if len(list) > 0 {
					out[i] = narrower(out[i], list[i])
				}
			}
		}
		return out
	}
	lower = pick(math.Max, math.Inf(-1), r.Lower, c.PositionLower)
	upper = pick(math.Min, math.Inf(1), r.Upper, c.PositionUpper)
	velocity = pick(math.Min, math.Inf(1), r.Velocity, c.VelocityLimit)
	for i, joint := range r.Joints {
		if !(lower[i] < upper[i]) {
			return nil, nil, nil, fmt.Errorf("%w: joint %q may move from %v to %v, need a lower limit below the upper one: compare position_lower and position_upper with the robot description",
				ErrConfig, joint, lower[i], upper[i])
		}
	}
	return lower, upper, velocity, nil
}
