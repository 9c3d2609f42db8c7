package rigidbody

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

var (
	// ErrConfig marks a configuration that is wrong, or does not fit the model.
	ErrConfig = errors.New("rigidbody: invalid configuration")
	// ErrModel marks a model that cannot be used.
	ErrModel = errors.New("rigidbody: invalid model")
)

// largest bounds numbers of models and configurations, so that products do not overflow.
const (
	largest   = 1e30
	strongest = 1e6 // gravity, in m/s^2
)

// Config chooses the joints of a model that q is made of.
type Config struct {
	// Joints are the controlled joints in canonical order, that of q. At least one.
	Joints []string
	// LockedJoints do not move, and LockedPositions has one position, in rad or m, for each. Joints
	// named neither here nor in Joints are locked at 0, or at the limit next to 0 where 0 is
	// outside of their limits. Joints that mimic others move, or are locked, with them.
	LockedJoints    []string
	LockedPositions []float64
	// Gravity is the acceleration of a body that falls, in m/s^2 in the base frame: turn it
	// for a base that is not level. Default (0, 0, -9.81).
	Gravity [3]float64
	// KinematicsOnly allows models without inertias. The functions that need them panic.
	KinematicsOnly bool
}

// DefaultConfig returns a configuration of a level base with no joints yet.
func DefaultConfig() Config { return Config{Gravity: [3]float64{0, 0, -9.81}} }

// Validate returns an error wrapping ErrConfig that names key, value and what was expected.
func (c Config) Validate() error {
	if len(c.Joints) == 0 {
		return fmt.Errorf("%w: joints is empty, want at least one name", ErrConfig)
	}
	for i, name := range c.Joints {
		if slices.Contains(c.Joints[:i], name) {
			return fmt.Errorf("%w: joints names %q twice, want each joint once", ErrConfig, name)
		}
	}
	if len(c.LockedPositions) != len(c.LockedJoints) {
		return fmt.Errorf("%w: locked_positions has %d elements, want %d, one per locked joint", ErrConfig, len(c.LockedPositions), len(c.LockedJoints))
	}
	for i, name := range c.LockedJoints {
		if slices.Contains(c.LockedJoints[:i], name) || slices.Contains(c.Joints, name) {
			return fmt.Errorf("%w: joint %q is named twice in joints and locked_joints, want each joint once", ErrConfig, name)
		}
		if p := c.LockedPositions[i]; !(math.Abs(p) <= largest) {
			return fmt.Errorf("%w: locked_positions of joint %q is %v, want a number of at most %g", ErrConfig, name, p, largest)
		}
	}
	for _, g := range c.Gravity {
		if !(math.Abs(g) <= strongest) {
			return fmt.Errorf("%w: gravity is %v, want three numbers of at most %g m/s^2", ErrConfig, c.Gravity, strongest)
		}
	}
	return nil
}
