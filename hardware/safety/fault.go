package safety

import (
	"fmt"
	"time"
)

// FaultKind is why the torque is zero.
type FaultKind int

// The kinds of faults.
const (
	NoFault FaultKind = iota
	// Unreadable: the joint state message cannot be used; see Fault.Err.
	Unreadable
	// NotFinite: a position or velocity, or the state they give, is NaN or infinite.
	NotFinite
	// Backwards: a joint state is older than the one before it.
	Backwards
	// Silent: no joint state arrived for longer than the time-out.
	Silent
	// Frozen: joint states arrive, but their stamp has stood still for longer than the
	// time-out.
	Frozen
	// Old: a joint state's stamp is older than the time-out.
	Old
	// Gap: joint states were missing within a trial.
	Gap
	// ResetTimeout: the arm did not reach the initial position in time.
	ResetTimeout
	// BadTorque: the controller gave a torque that is NaN or infinite.
	BadTorque
)

// Fault says what is wrong. It is a value: raising one does not allocate.
type Fault struct {
	Kind FaultKind
	// Err is set for Unreadable.
	Err error
	// Joint is the index of the joint concerned, for NotFinite, ResetTimeout and
	// BadTorque; Name its name. -1 with the name of a state's component for a state that
	// is not finite though its joints are.
	Joint int
	Name  string
	// Value is the number concerned: a reading, a torque, or a distance in rad.
	Value float64
	// Duration is by how much a time was missed, Limit what was allowed.
	Duration, Limit time.Duration
	// Step is the trial's time step, for Gap and BadTorque; -1 for a torque of the position
	// controller.
	Step int
}

// String says what happened, where, and what was expected.
func (f Fault) String() string {
	switch f.Kind {
	case NoFault:
		return ""
	case Unreadable:
		return f.Err.Error()
	case NotFinite:
		if f.Joint < 0 {
			return fmt.Sprintf("joint_states: the state's %q is %v, expected a finite number", f.Name, f.Value)
		}
		return fmt.Sprintf("joint_states: joint %q reads %v, expected a finite number", f.Name, f.Value)
	case Backwards:
		return fmt.Sprintf("joint_states: the stamp went back by %v; the robot's clock jumped, the robot was restarted, or there are two publishers", f.Duration)
	case Silent:
		return fmt.Sprintf("no joint_states for %v (safety.stale_timeout is %v): is the robot's driver running?", f.Duration.Round(time.Millisecond), f.Limit)
	case Frozen:
		return fmt.Sprintf("joint_states have repeated one stamp for %v (safety.stale_timeout is %v): the driver's readings are frozen", f.Duration.Round(time.Millisecond), f.Limit)
	case Old:
		return fmt.Sprintf("joint_states are %v old on arrival (safety.stale_timeout is %v): are the clocks synchronised, is use_sim_time right?", f.Duration.Round(time.Millisecond), f.Limit)
	case Gap:
		return fmt.Sprintf("joint_states are missing for %v at time step %d of the trial", f.Duration, f.Step)
	case ResetTimeout:
		return fmt.Sprintf("reset: joint %q is still %.4g away from the initial position after %v (reset.timeout): is it blocked, are reset.stiffness and effort_limit large enough?", f.Name, f.Value, f.Limit)
	case BadTorque:
		if f.Step < 0 {
			return fmt.Sprintf("the position controller gave joint %q a torque of %v: the joint states are out of all bounds, or reset.stiffness and reset.damping are", f.Name, f.Value)
		}
		return fmt.Sprintf("the controller gave joint %q a torque of %v at time step %d", f.Name, f.Value, f.Step)
	}
	return fmt.Sprintf("fault %d", f.Kind)
}
