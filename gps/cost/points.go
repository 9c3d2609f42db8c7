package cost

import (
	"fmt"

	"guidedpolicysearch/gps/rollout"
)

// Kinematics gives end-effector points as functions of the joint angles.
type Kinematics interface {
	// Dims returns the number of joints n and of stacked point coordinates m.
	Dims() (joints, coordinates int)
	// Points writes the coordinates, m, at joint angles q, n.
	Points(dst, q []float64)
	// Jacobian writes their derivatives by q, m x n, row-major.
	Jacobian(dst, q []float64)
}

// PointsConfig describes a penalty on end-effector points.
type PointsConfig struct {
	// JointStart is the index in x of the first of the n joint angles.
	JointStart int
	// Target holds the wanted coordinates, m, in m.
	Target []float64
	// Weights of the coordinates, >= 0, m.
	Weights []float64
	// Penalty of the deviation. Default DefaultPenalty.
	Penalty Penalty
	// Ramp of the weights over time. Default ConstantRamp.
	Ramp Ramp
	// FinalMultiplier multiplies the weights at the last step, >= 0. Default 1.
	FinalMultiplier float64
}

// DefaultPointsConfig returns the reference's end-effector cost towards a target, with
// the joint angles first in the state.
func DefaultPointsConfig(target []float64) PointsConfig {
	return PointsConfig{Target: target, Weights: ones(len(target)), Penalty: DefaultPenalty(), FinalMultiplier: 1}
}

// Validate returns an error wrapping ErrConfig that names key, value and what was expected.
func (c PointsConfig) Validate() error {
	return first(
		start("joint_start", c.JointStart),
		checkTarget(c.Target),
		checkWeights(c.Weights, len(c.Target)),
		c.Penalty.Validate(),
		c.Ramp.validate("ramp"),
		notNegative("final_multiplier", c.FinalMultiplier))
}

// Points penalises the deviation d(q) of end-effector points from a target. The
// derivatives are by the joint angles: the gradient J'd_d is exact, the Hessian J'H_d J
// leaves out the curvature of the kinematics (Gauss-Newton).
type Points struct {
	config     PointsConfig
	kinematics Kinematics
	joints     int
	// Workspace: the deviation (m) and the derivatives by it, the Jacobian (m x n), those by
	// the angles (n, n x n) and the way along the angles (n).
	deviation, jacobian      []float64
	by                       derivatives
	gradient, hessian, along []float64
}

// NewPoints returns the term, or the error of c.Validate, or one wrapping ErrConfig if
// the target does not have the kinematics' number of coordinates.
func NewPoints(c PointsConfig, k Kinematics) (*Points, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if k == nil {
		return nil, fmt.Errorf("%w: kinematics is nil, want the end-effector points", ErrConfig)
	}
	n, m := k.Dims()
	if len(c.Target) != m {
		return nil, fmt.Errorf("%w: target has %d elements, want %d, the coordinates of all end-effector points", ErrConfig, len(c.Target), m)
	}
	c.Target = append([]float64(nil), c.Target...)
	c.Weights = append([]float64(nil), c.Weights...)
	vec := func(n int) []float64 { return make([]float64, n) }
	return &Points{config: c, kinematics: k, joints: n, deviation: vec(m), jacobian: vec(m * n), by: newDerivatives(m),
		gradient: vec(n), hessian: vec(n * n), along: vec(n)}, nil
}

// Add adds the term; see Term.
func (p *Points) Add(dst *Expansion, weight float64, r *rollout.Rollout) error {
	checkRollout(dst, r)
	c := &p.config
	if err := fitsState("end-effector cost", c.JointStart, p.joints, r); err != nil {
		return err
	}
	for t := range r.T {
		q := r.State(t)[c.JointStart : c.JointStart+p.joints]
		p.kinematics.Points(p.deviation, q)
		p.kinematics.Jacobian(p.jacobian, q)
		for i, target := range c.Target {
			p.deviation[i] -= target
		}
		l := c.Penalty.differentiate(&p.by, p.deviation, c.Weights, c.Ramp.At(t, r.T, c.FinalMultiplier))
		chain(p.gradient, p.hessian, &p.by, p.jacobian, p.along)
		dst.L[t] += weight * l
		dst.addBlock(t, c.JointStart, weight, p.gradient, p.hessian)
	}
	return nil
}

// Combination is the Kinematics of one point that is a linear combination of the
// points of another: sum_k c_k p_k. With coefficients 1/2, 1/2, -1 it is the way from
// an object (third point) to the middle between two fingers, and a Points term with
// target 0 makes the fingers touch the object.
type Combination struct {
	kinematics       Kinematics
	coefficients     []float64
	joints, size     int       // size is the number of coordinates of a point
	points, jacobian []float64 // of all points
}

// NewCombination returns the combination with one coefficient per point. The number of
// coordinates must be a multiple of the number of points and the coefficients finite;
// otherwise the error wraps ErrConfig.
func NewCombination(k Kinematics, coefficients []float64) (*Combination, error) {
	if k == nil {
		return nil, fmt.Errorf("%w: kinematics is nil, want the end-effector points", ErrConfig)
	}
	n, m := k.Dims()
	if len(coefficients) == 0 || m%len(coefficients) != 0 {
		return nil, fmt.Errorf("%w: coefficients has %d elements, want one per end-effector point (%d coordinates in all)", ErrConfig, len(coefficients), m)
	}
	if err := each("coefficients", coefficients, isFinite); err != nil {
		return nil, err
	}
	return &Combination{kinematics: k, coefficients: append([]float64(nil), coefficients...), joints: n,
		size: m / len(coefficients), points: make([]float64, m), jacobian: make([]float64, m*n)}, nil
}

// Dims returns the number of joints and of coordinates of one point.
func (c *Combination) Dims() (joints, coordinates int) { return c.joints, c.size }

// Points writes the combined point at joint angles q.
func (c *Combination) Points(dst, q []float64) {
	c.kinematics.Points(c.points, q)
	c.combine(dst, c.points)
}

// Jacobian writes the combined point's derivatives by q, coordinates x joints.
func (c *Combination) Jacobian(dst, q []float64) {
	c.kinematics.Jacobian(c.jacobian, q)
	c.combine(dst, c.jacobian)
}

func (c *Combination) combine(dst, all []float64) {
	clear(dst)
	for k, f := range c.coefficients {
		for i, v := range all[k*len(dst) : (k+1)*len(dst)] {
			dst[i] += f * v
		}
	}
}
