// Package robot describes a robot as the learner and the controller see it: its joints in
// canonical order, their limits, its end effector, and how the state x is put together from
// what is measured.
package robot

import (
	"errors"
	"fmt"
	"math"

	"guidedpolicysearch/hardware/kinematics"
	"guidedpolicysearch/hardware/rigidbody"
	"guidedpolicysearch/hardware/urdf"
)

// Robot assembles states and knows limits. It owns workspace: one goroutine at a time.
type Robot struct {
	cfg      Config
	tip      kinematics.EndEffector // nil if there is none
	dynamics *rigidbody.Tree        // nil without a description, or where it has no inertias
	limits   Limits
	names    []string
	notes    []string
}

// Limits of the joints by the robot's description, infinite where it gives none.
type Limits struct {
	Lower, Upper []float64 // rad or m
	Velocity     []float64 // rad/s or m/s
	Effort       []float64 // N m or N
}

// New returns the robot. description is not used, and may be nil, if cfg.Described is false.
// Errors wrap ErrConfig, or are those of packages kinematics and rigidbody.
func New(cfg Config, description *urdf.Model) (*Robot, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if !cfg.Described() {
		description = nil
	}
	r := &Robot{cfg: cfg}
	if err := r.describe(description); err != nil {
		return nil, err
	}
	if cfg.Kinematics.Type == PlanarKinematics {
		chain, err := kinematics.NewPlanar(kinematics.PlanarConfig{Lengths: cfg.Kinematics.Lengths, Coordinates: cfg.Kinematics.Coordinates})
		if err != nil {
			return nil, err
		}
		r.tip = chain
	}
	r.name()
	return r, nil
}

// describe takes what the description says of the joints.
func (r *Robot) describe(m *urdf.Model) error {
	n := len(r.cfg.Joints)
	unlimited := func(v float64) []float64 {
		a := make([]float64, n)
		for i := range a {
			a[i] = v
		}
		return a
	}
	r.limits = Limits{Lower: unlimited(math.Inf(-1)), Upper: unlimited(math.Inf(1)), Velocity: unlimited(math.Inf(1)), Effort: unlimited(math.Inf(1))}
	if m == nil {
		if r.cfg.Described() {
			return fmt.Errorf("%w: there is no description (robot.urdf, robot.description_topic)", ErrConfig)
		}
		return nil
	}
	cfg := rigidbody.Config{Joints: r.cfg.Joints, LockedJoints: r.cfg.Locked.Joints, LockedPositions: r.cfg.Locked.Positions, Gravity: [3]float64(r.cfg.Gravity)}
	tree, err := rigidbody.New(m, cfg)
	if errors.Is(err, rigidbody.ErrModel) && !r.cfg.GravityCompensation {
		cfg.KinematicsOnly = true
		reason := err
		if tree, err = rigidbody.New(m, cfg); err == nil {
			r.notes = append(r.notes, fmt.Sprintf("the description is used without its dynamics, so that soft walls keep the limits, and no quadratic programme: %v", reason))
		}
	}
	if err != nil {
		return err
	}
	if !cfg.KinematicsOnly {
		r.dynamics = tree
	}
	r.limits.Lower, r.limits.Upper, r.limits.Velocity, r.limits.Effort = tree.Limits()
	for i, name := range r.cfg.Joints {
		if r.cfg.EffortLimit[i] > r.limits.Effort[i] {
			return fmt.Errorf("%w: effort_limit of joint %q is %v, the description (%s) allows %v", ErrConfig, name, r.cfg.EffortLimit[i], m.Name, r.limits.Effort[i])
		}
	}
	if r.cfg.Kinematics.Type == URDFKinematics {
		var points [][3]float64
		for p := r.cfg.Kinematics.Points; len(p) > 0; p = p[3:] {
			points = append(points, [3]float64(p))
		}
		tip, err := tree.Points(r.cfg.Kinematics.Link, points)
		if err != nil {
			return fmt.Errorf("%w: kinematics.link: %w", ErrConfig, err)
		}
		r.tip = tip
	}
	return nil
}

// Joints returns the joint names in canonical order. Torques have the same order.
func (r *Robot) Joints() []string { return r.cfg.Joints }

// DX is the size of the state, DU that of the torque.
func (r *Robot) DX() int { return len(r.names) }

// DU is the number of joints, all of them driven.
func (r *Robot) DU() int { return len(r.cfg.Joints) }

// EndEffector returns the end effector's kinematics, nil if there is none.
func (r *Robot) EndEffector() kinematics.EndEffector { return r.tip }

// Dynamics returns the rigid bodies of the description, nil if there is none or it has no
// inertias. They share the robot's goroutine.
func (r *Robot) Dynamics() *rigidbody.Tree { return r.dynamics }

// Notes says what of the description is not used, for the log.
func (r *Robot) Notes() []string { return r.notes }

// Limits returns the description's limits.
func (r *Robot) Limits() Limits { return r.limits }

// EffortLimit returns the largest torque per joint, in N m.
func (r *Robot) EffortLimit() []float64 { return r.cfg.EffortLimit }

// Compensates tells whether gravity is compensated by torques of this side.
func (r *Robot) Compensates() bool { return r.cfg.GravityCompensation }

// Config returns what the robot was made from.
func (r *Robot) Config() Config { return r.cfg }
