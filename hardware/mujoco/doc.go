// Package mujoco simulates robots and the objects around them with MuJoCo (Todorov, Erez and
// Tassa, "MuJoCo: A physics engine for model-based control", IROS 2012), from models in its
// own format MJCF. It needs the distribution's libmujoco-dev (2.2.2). A build without cgo, or
// with the tag nomujoco, has the same functions, and Load returns ErrNotBuilt.
//
// Units are SI: rad or m, rad/s or m/s, N m or N, s. What MuJoCo reports as an error is
// returned: it neither ends the process nor writes a log file.
package mujoco

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

var (
	// ErrNotBuilt is what Load returns in a program without MuJoCo.
	ErrNotBuilt = errors.New("mujoco: this program was built without MuJoCo: install libmujoco-dev (Debian, Ubuntu 24.04) " +
		"and build again with cgo and without the tag nomujoco (make build)")
	// ErrConfig marks a Config that a simulator cannot be built with.
	ErrConfig = errors.New("mujoco: invalid configuration")
	// ErrModel marks a model that does not load, or that lacks what a robot needs.
	ErrModel = errors.New("mujoco: invalid model")
	// ErrName marks a sensor or body that the model does not have.
	ErrName = errors.New("mujoco: unknown name")
	// ErrNotFinite marks an action or a state that holds a NaN or an infinity.
	ErrNotFinite = errors.New("mujoco: value is not finite")
	// ErrDiverged marks a step that left the finite numbers, or what MuJoCo takes for sane
	// (magnitudes up to 1e10).
	ErrDiverged = errors.New("mujoco: state diverged")
	// ErrEngine marks an error of MuJoCo's own, such as memory that the model's <size> does
	// not provide for.
	ErrEngine = errors.New("mujoco: the engine failed")
	// ErrClosed marks the use of a simulator after Close.
	ErrClosed = errors.New("mujoco: simulator is closed")
)

// Config says what of a model is the robot, and how it is stepped.
type Config struct {
	// TimeStep is the time in s for which an action is held: a multiple of the model's
	// timestep, at most 100000 of it. Default 0: one timestep of the model.
	TimeStep float64
	// Joints are the robot's joints, in the order of positions and actions. Each is a hinge
	// or a slide with one motor. Default empty: every joint with an actuator, in the model's
	// order.
	Joints []string
}

const maxSubsteps = 100_000

// DefaultConfig returns the model's own time step and all joints with actuators.
func DefaultConfig() Config { return Config{} }

// Validate returns an error wrapping ErrConfig that names key, value and what was expected.
// What depends on the model is left to Load.
func (c Config) Validate() error {
	if !(c.TimeStep >= 0) || math.IsInf(c.TimeStep, 0) {
		return fmt.Errorf("%w: time_step is %v, want a finite number of seconds > 0, or 0 for the model's own", ErrConfig, c.TimeStep)
	}
	for i, name := range c.Joints {
		if name == "" || slices.Contains(c.Joints[:i], name) {
			return fmt.Errorf("%w: joint %d is named %q, want names that are not empty and differ", ErrConfig, i+1, name)
		}
	}
	return nil
}

// substeps returns how many of the model's timesteps make a time step.
func (c Config) substeps(timestep float64) (int, error) {
	if c.TimeStep == 0 {
		return 1, nil
	}
	ratio := c.TimeStep / timestep
	n := math.Round(ratio)
	if n < 1 || n > maxSubsteps || math.Abs(ratio-n) > 1e-6*n {
		return 0, fmt.Errorf("%w: time_step is %g s, want a multiple (1 to %d) of the model's timestep, %g s",
			ErrConfig, c.TimeStep, maxSubsteps, timestep)
	}
	return int(n), nil
}

// Sensor is a sensor of a model; its numbers and their units are those of its MJCF element.
type Sensor struct {
	Name    string
	Size    int // how many numbers it has
	address int
}

// Pose is where a body is: the position of its frame's origin in m and the rotation matrix from
// its frame to the world's, row-major.
type Pose struct {
	Position [3]float64
	Rotation [9]float64
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func checkLen(name string, v []float64, want int) {
	if len(v) != want {
		panic(fmt.Sprintf("mujoco: %s has %d elements, want %d", name, len(v), want))
	}
}
