package safety

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// ErrConfig marks settings, or a robot, that no filter can be built from.
var ErrConfig = errors.New("safety: invalid settings")

// What Config.OnFault, Config.Recovery and Config.Filter choose from.
const (
	OnFaultZero = "zero"
	OnFaultDamp = "damp"
	OnFaultHold = "hold"

	RecoveryManual    = "manual"
	RecoveryAutomatic = "automatic"

	FilterAuto   = "auto"
	FilterAlways = "always"
	FilterNever  = "never"
)

// longestDelay is the largest Config.Delay.
const longestDelay = 100 * time.Millisecond

// MostFaults is the largest Config.MaxFaults.
const MostFaults = 200

// Config holds the settings of all checks. Lists have one entry per joint or are empty.
type Config struct {
	StaleTimeout  time.Duration `param:"stale_timeout" desc:"Age of the last joint state at which the torque goes to zero." unit:"s" range:"(0, inf)" takes:"trial"`
	MaxFaults     int           `param:"max_faults" desc:"Faults in one trial, which is repeated after each, before the run is given up." range:"[1, 200]" takes:"trial"`
	Recovery      string        `param:"recovery" desc:"What ends a fault: manual is a person's reset; automatic lets good joint states end faults of communication, all others wait for a person." choices:"manual|automatic" takes:"trial"`
	RecoverySteps int           `param:"recovery_steps" desc:"Good joint states in a row that end a fault where recovery is automatic." range:"[1, 100000]" takes:"trial"`
	OnFault       string        `param:"on_fault" desc:"Torque in a fault: zero, damp (against the joints' motion), or hold (at the position of the fault); without usable joint states it is zero." choices:"zero|damp|hold"`
	RampTime      time.Duration `param:"ramp_time" desc:"Time over which a controller's torque rises from zero to its full size after a start or the end of a fault; gravity compensation does not wait." unit:"s" range:"[0, 60]"`

	SlewLimit  []float64 `param:"slew_limit" desc:"Largest change of each joint's torque per second; empty is no limit." unit:"N m/s" range:"(0, inf)"`
	PowerLimit float64   `param:"power_limit" desc:"Largest mechanical power that all joints together may give to the arm; 0 is no limit." unit:"W" range:"[0, inf)"`

	PositionLower  []float64 `param:"position_lower" desc:"Lowest position of each joint; narrows what the robot description says, empty takes it as it is." unit:"rad or m" finite:"false"`
	PositionUpper  []float64 `param:"position_upper" desc:"Highest position of each joint; narrows what the robot description says, empty takes it as it is." unit:"rad or m" finite:"false"`
	PositionZone   float64   `param:"position_zone" desc:"Width of the soft wall before a position limit, where the quadratic programme does not keep it." unit:"rad or m" range:"(0, inf)"`
	PositionMargin float64   `param:"position_margin" desc:"Distance beyond a position limit at which it is a fault." unit:"rad or m" range:"[0, inf)"`
	VelocityLimit  []float64 `param:"velocity_limit" desc:"Largest speed of each joint; narrows what the robot description says, empty takes it as it is." unit:"rad/s or m/s" range:"(0, inf]" finite:"false"`
	VelocityZone   float64   `param:"velocity_zone" desc:"Part of the velocity limit below it in which a soft wall brakes, where the quadratic programme does not keep it." range:"(0, 1]"`
	VelocityMargin float64   `param:"velocity_margin" desc:"Part of the velocity limit above it at which it is a fault." range:"[0, inf)"`
	WallStiffness  []float64 `param:"wall_stiffness" desc:"Stiffness of the soft wall at position limits; empty reaches the torque limit at the position limit." unit:"N m/rad" range:"[0, inf)"`
	WallDamping    []float64 `param:"wall_damping" desc:"Damping of the soft walls at position and velocity limits; empty reaches the torque limit at the velocity limit, or brakes in 0.1 s where there is none." unit:"N m s/rad" range:"[0, inf)"`

	WorkspaceLower     []float64 `param:"workspace_lower" desc:"Lowest x, y and z of every end-effector point; empty is no limit." unit:"m" finite:"false"`
	WorkspaceUpper     []float64 `param:"workspace_upper" desc:"Highest x, y and z of every end-effector point; empty is no limit." unit:"m" finite:"false"`
	WorkspaceZone      float64   `param:"workspace_zone" desc:"Width of the soft wall inside the workspace, where the quadratic programme does not keep it." unit:"m" range:"(0, inf)"`
	WorkspaceMargin    float64   `param:"workspace_margin" desc:"Distance out of the workspace at which it is a fault." unit:"m" range:"[0, inf)"`
	WorkspaceStiffness float64   `param:"workspace_stiffness" desc:"Stiffness of the workspace's soft wall." unit:"N/m" range:"[0, inf)"`
	WorkspaceDamping   float64   `param:"workspace_damping" desc:"Damping of the workspace's soft wall." unit:"N s/m" range:"[0, inf)"`
	WorkspaceBraking   float64   `param:"workspace_braking" desc:"Deceleration of end-effector points that the quadratic programme counts on before the end of the workspace." unit:"m/s^2" range:"(0, inf)"`

	Filter            string        `param:"filter" desc:"Quadratic programme that changes a torque as little as the limits of position, velocity and workspace allow: auto is for learned and position controllers where there is a dynamics model, always is also for an arm that is let go of, never leaves soft walls." choices:"auto|always|never"`
	Braking           []float64     `param:"braking" desc:"Deceleration of each joint that the quadratic programme counts on; empty takes half of what the torque limits give in the worst place." unit:"rad/s^2 or m/s^2" range:"(0, inf)"`
	ApproachTime      time.Duration `param:"approach_time" desc:"Time constant with which the quadratic programme lets a joint come to rest at a limit; at least a tick." unit:"s" range:"[0, 10]"`
	AccelerationError float64       `param:"acceleration_error" desc:"By how much the accelerations of the dynamics model may be wrong; the stated margins are proportional to it." unit:"rad/s^2 or m/s^2" range:"[0, inf)"`

	Delay time.Duration `param:"delay" desc:"Longest time from the measurement of a joint state to the moment at which the torque that answers it acts; what the torques on their way may do in it is counted before a limit. 0 where nothing is late; lock step has none." unit:"s" range:"[0, 0.1]"`

	MissedInARow    int           `param:"missed_in_a_row" desc:"Missed deadlines of the control loop in a row that are a fault; 0 is no limit." range:"[0, 1000000]"`
	MissedPerSecond int           `param:"missed_per_second" desc:"Missed deadlines of the control loop within one second that are a fault; 0 is no limit." range:"[0, 10000]"`
	LearnerTimeout  time.Duration `param:"learner_timeout" desc:"Time without a sign of life of the learner that is a fault; 0 is no limit." unit:"s" range:"[0, inf)"`
}

// DefaultConfig returns settings that suit any arm: every check that needs no knowledge of the
// robot is on, and those that do are on as far as the robot's description goes.
func DefaultConfig() Config {
	return Config{
		StaleTimeout: time.Second, MaxFaults: 50, Recovery: RecoveryManual, RecoverySteps: 10, OnFault: OnFaultZero, RampTime: 500 * time.Millisecond,
		PositionZone: 0.1, PositionMargin: 0.05, VelocityZone: 0.1, VelocityMargin: 0.2,
		WorkspaceZone: 0.05, WorkspaceMargin: 0.02, WorkspaceStiffness: 1000, WorkspaceDamping: 100, WorkspaceBraking: 1,
		Filter: FilterAuto, ApproachTime: 20 * time.Millisecond, AccelerationError: 1, Delay: 5 * time.Millisecond,
		MissedInARow: 20, MissedPerSecond: 100, LearnerTimeout: 2 * time.Minute,
	}
}

// Validate returns an error wrapping ErrConfig that names the key. What depends on the robot,
// such as the number of joints, is checked by New.
func (c Config) Validate() error {
	for _, choice := range []struct {
		key, value string
		from       []string
	}{
		{"recovery", c.Recovery, []string{RecoveryManual, RecoveryAutomatic}},
		{"on_fault", c.OnFault, []string{OnFaultZero, OnFaultDamp, OnFaultHold}},
		{"filter", c.Filter, []string{FilterAuto, FilterAlways, FilterNever}},
	} {
		if !slices.Contains(choice.from, choice.value) {
			return fmt.Errorf("%w: %s is %q, need one of %q", ErrConfig, choice.key, choice.value, choice.from)
		}
	}
	for _, number := range []struct {
		key      string
		value    float64
		positive bool
	}{
		{"stale_timeout", c.StaleTimeout.Seconds(), true}, {"ramp_time", c.RampTime.Seconds(), false},
		{"max_faults", float64(c.MaxFaults), true}, {"recovery_steps", float64(c.RecoverySteps), true},
		{"power_limit", c.PowerLimit, false}, {"position_zone", c.PositionZone, true}, {"position_margin", c.PositionMargin, false},
		{"velocity_zone", c.VelocityZone, true}, {"velocity_margin", c.VelocityMargin, false},
		{"workspace_zone", c.WorkspaceZone, true}, {"workspace_margin", c.WorkspaceMargin, false},
		{"workspace_stiffness", c.WorkspaceStiffness, false}, {"workspace_damping", c.WorkspaceDamping, false}, {"workspace_braking", c.WorkspaceBraking, true},
		{"approach_time", c.ApproachTime.Seconds(), false}, {"acceleration_error", c.AccelerationError, false}, {"delay", c.Delay.Seconds(), false},
		{"missed_in_a_row", float64(c.MissedInARow), false}, {"missed_per_second", float64(c.MissedPerSecond), false}, {"learner_timeout", c.LearnerTimeout.Seconds(), false},
	} {
		switch {
		case number.positive && !(number.value > 0) || math.IsInf(number.value, 0):
			return fmt.Errorf("%w: %s is %v, need a finite number > 0", ErrConfig, number.key, number.value)
		case !number.positive && !(number.value >= 0):
			return fmt.Errorf("%w: %s is %v, need a finite number >= 0", ErrConfig, number.key, number.value)
		}
	}
	if c.Delay > longestDelay {
		return fmt.Errorf("%w: delay is %v s, need at most %v: a robot that answers later needs slower control", ErrConfig, c.Delay.Seconds(), longestDelay.Seconds())
	}
	if c.MissedPerSecond > maxMissed {
		return fmt.Errorf("%w: missed_per_second is %d, need at most %d", ErrConfig, c.MissedPerSecond, maxMissed)
	}
	if c.VelocityZone > 1 {
		return fmt.Errorf("%w: velocity_zone is %v, need a part of the limit, at most 1", ErrConfig, c.VelocityZone)
	}
	for _, list := range []struct {
		key    string
		values []float64
		zero   bool // is allowed
		inf    bool // is allowed
	}{{"slew_limit", c.SlewLimit, false, false}, {"velocity_limit", c.VelocityLimit, false, true}, {"wall_stiffness", c.WallStiffness, true, false},
		{"wall_damping", c.WallDamping, true, false}, {"braking", c.Braking, false, false}} {
		for i, v := range list.values {
			if !(v > 0 || list.zero && v == 0) || math.IsInf(v, 0) && !list.inf {
				return fmt.Errorf("%w: %s[%d] is %v, need a positive number", ErrConfig, list.key, i, v)
			}
		}
	}
	return nil
}
