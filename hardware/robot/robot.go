// Package robot describes a robot as the learner and the controller see it: its joints in
// canonical order, their torque limits, its end effector, and how the state x is put
// together from joint readings.
package robot

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"guidedpolicysearch/hardware/kinematics"
)

// ErrConfig marks a description that no robot can be built from.
var ErrConfig = errors.New("robot: invalid description")

// Components of the state.
const (
	JointPositions  = "joint_positions"
	JointVelocities = "joint_velocities"
	EndEffector     = "end_effector_points"
	EndEffectorVel  = "end_effector_velocities"
)

// Kinds of kinematics.
const (
	NoKinematics     = "none"
	PlanarKinematics = "planar"
)

// Config describes a robot.
type Config struct {
	Joints      []string         `param:"joints" desc:"Joint names in canonical order: that of states, commands and limits."`
	EffortLimit []float64        `param:"effort_limit" desc:"Largest torque that is ever published, per joint." unit:"N m" range:"(0, inf)" len:"joints"`
	State       []string         `param:"state" desc:"Parts of the state x, in order; joint_positions and joint_velocities come first." choices:"joint_positions|joint_velocities|end_effector_points|end_effector_velocities"`
	Kinematics  KinematicsConfig `param:"kinematics"`
}

// KinematicsConfig describes where the end effector is.
type KinematicsConfig struct {
	Type        string    `param:"type" desc:"Kind of arm: planar is a chain of links in the x-y plane with its tip as the end effector." choices:"none|planar"`
	Lengths     []float64 `param:"lengths" desc:"Lengths of a planar arm's links." unit:"m" range:"(0, inf)"`
	Coordinates int       `param:"coordinates" desc:"Coordinates of the end effector: 3, or 2 without z, which is always 0 in a planar arm." range:"[2, 3]"`
}

// DefaultConfig returns the planar two-link arm.
func DefaultConfig() Config {
	return Config{Joints: []string{"joint1", "joint2"}, EffortLimit: []float64{200, 200},
		State:      []string{JointPositions, JointVelocities, EndEffector},
		Kinematics: KinematicsConfig{Type: PlanarKinematics, Lengths: []float64{0.5, 0.5}, Coordinates: 3}}
}

// Validate returns an error wrapping ErrConfig that says what was expected.
func (c Config) Validate() error {
	n := len(c.Joints)
	if n == 0 {
		return fmt.Errorf("%w: joints is empty, need at least one name", ErrConfig)
	}
	for i, name := range c.Joints {
		if name == "" || slices.Contains(c.Joints[:i], name) {
			return fmt.Errorf("%w: joint %d is named %q, need names that are not empty and differ", ErrConfig, i, name)
		}
	}
	if len(c.EffortLimit) != n {
		return fmt.Errorf("%w: effort_limit has %d entries, need %d, one per joint", ErrConfig, len(c.EffortLimit), n)
	}
	for i, v := range c.EffortLimit {
		if !(v > 0) || math.IsInf(v, 0) {
			return fmt.Errorf("%w: effort_limit of joint %q is %v, need a finite number > 0", ErrConfig, c.Joints[i], v)
		}
	}
	if len(c.State) < 2 || c.State[0] != JointPositions || c.State[1] != JointVelocities {
		return fmt.Errorf("%w: state is %v, need %s and %s first", ErrConfig, c.State, JointPositions, JointVelocities)
	}
	for i, part := range c.State {
		if slices.Contains(c.State[:i], part) {
			return fmt.Errorf("%w: state names %s twice", ErrConfig, part)
		}
		if (part == EndEffector || part == EndEffectorVel) && c.Kinematics.Type == NoKinematics {
			return fmt.Errorf("%w: state has %s but kinematics.type is %s", ErrConfig, part, NoKinematics)
		}
	}
	if c.Kinematics.Type == PlanarKinematics && len(c.Kinematics.Lengths) != n {
		return fmt.Errorf("%w: kinematics.lengths has %d entries, need %d, one per joint", ErrConfig, len(c.Kinematics.Lengths), n)
	}
	return nil
}

// Robot assembles states and bounds torques. It owns workspace: one goroutine at a time.
type Robot struct {
	cfg   Config
	chain *kinematics.Planar // nil if there is no end effector
	names []string
}

// New returns the robot, or the error of cfg.Validate.
func New(cfg Config) (*Robot, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	r := &Robot{cfg: cfg}
	if cfg.Kinematics.Type == PlanarKinematics {
		chain, err := kinematics.NewPlanar(kinematics.PlanarConfig{Lengths: cfg.Kinematics.Lengths, Coordinates: cfg.Kinematics.Coordinates})
		if err != nil {
			return nil, err
		}
		r.chain = chain
	}
	for _, part := range cfg.State {
		switch part {
		case JointPositions:
			r.appendNames(".position")
		case JointVelocities:
			r.appendNames(".velocity")
		case EndEffector:
			r.appendTip("")
		case EndEffectorVel:
			r.appendTip(".velocity")
		}
	}
	return r, nil
}

func (r *Robot) appendNames(suffix string) {
	for _, joint := range r.cfg.Joints {
		r.names = append(r.names, joint+suffix)
	}
}

func (r *Robot) appendTip(suffix string) {
	for _, axis := range []string{"x", "y", "z"}[:r.cfg.Kinematics.Coordinates] {
		r.names = append(r.names, "end_effector."+axis+suffix)
	}
}

// Joints returns the joint names in canonical order. Torques have the same order.
func (r *Robot) Joints() []string { return r.cfg.Joints }

// StateNames returns one name per entry of x, dX.
func (r *Robot) StateNames() []string { return r.names }

// Symbols returns short names for the entries of x (dX) and u (dU), for formulas: q0, dq0
// and u0 of the first joint, px, py, pz of the end effector and vx, vy, vz of its velocity.
func (r *Robot) Symbols() (states, actions []string) {
	numbered := func(prefix string) (list []string) {
		for i := range r.cfg.Joints {
			list = append(list, fmt.Sprint(prefix, i))
		}
		return list
	}
	coordinates := r.cfg.Kinematics.Coordinates
	for _, part := range r.cfg.State {
		switch part {
		case JointPositions:
			states = append(states, numbered("q")...)
		case JointVelocities:
			states = append(states, numbered("dq")...)
		case EndEffector:
			states = append(states, []string{"px", "py", "pz"}[:coordinates]...)
		case EndEffectorVel:
			states = append(states, []string{"vx", "vy", "vz"}[:coordinates]...)
		}
	}
	return states, numbered("u")
}

// DX is the size of the state, DU that of the torque.
func (r *Robot) DX() int { return len(r.names) }

// DU is the number of joints, all of them driven.
func (r *Robot) DU() int { return len(r.cfg.Joints) }

// State writes x (dX) for joint positions and velocities (one per joint). It does not
// allocate.
func (r *Robot) State(x, position, velocity []float64) {
	i := 0
	for _, part := range r.cfg.State {
		switch part {
		case JointPositions:
			i += copy(x[i:], position)
		case JointVelocities:
			i += copy(x[i:], velocity)
		case EndEffector:
			tip := x[i : i+r.cfg.Kinematics.Coordinates]
			r.chain.Points(tip, position)
			i += len(tip)
		case EndEffectorVel:
			tip := x[i : i+r.cfg.Kinematics.Coordinates]
			r.chain.Velocities(tip, position, velocity)
			i += len(tip)
		}
	}
}

// Chain returns the end effector's kinematics, nil if there is none.
func (r *Robot) Chain() *kinematics.Planar { return r.chain }

// EffortLimit returns the largest torque per joint, in N m.
func (r *Robot) EffortLimit() []float64 { return r.cfg.EffortLimit }

// ClampEffort bounds torques (dU) in place and returns the index of the first that is not
// finite, or -1. It does not allocate.
func (r *Robot) ClampEffort(torque []float64) int {
	for i, v := range torque {
		if v-v != 0 {
			return i
		}
		torque[i] = min(max(v, -r.cfg.EffortLimit[i]), r.cfg.EffortLimit[i])
	}
	return -1
}
